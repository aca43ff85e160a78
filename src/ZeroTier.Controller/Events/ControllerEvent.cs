namespace ZeroTier.Controller;

/// <summary>Something happened at a controller. Immutable.</summary>
public abstract record ControllerEvent
{
    private protected ControllerEvent()
    {
    }

    /// <summary>Grows by one with each event of a controller.</summary>
    public long Sequence { get; internal init; }

    /// <summary>When.</summary>
    public DateTimeOffset Time { get; internal init; }

    /// <summary>The network.</summary>
    public abstract NetworkId NetworkId { get; }
}

/// <summary>A network was made or changed.</summary>
/// <param name="Network">What it is now; revision 1 says that it is new.</param>
public sealed record NetworkChanged(ControllerNetwork Network) : ControllerEvent
{
    /// <inheritdoc />
    public override NetworkId NetworkId => Network.Id;
}

/// <summary>A network was deleted, with its members.</summary>
/// <param name="Id">The network.</param>
public sealed record NetworkDeleted(NetworkId Id) : ControllerEvent
{
    /// <inheritdoc />
    public override NetworkId NetworkId => Id;
}

/// <summary>A member, or a node that waits to be one, came up or changed.</summary>
/// <param name="Member">What it is now; revision 1 says that it is new.</param>
public sealed record MemberChanged(ControllerMember Member) : ControllerEvent
{
    /// <inheritdoc />
    public override NetworkId NetworkId => Member.Network;
}

/// <summary>A member was deleted.</summary>
/// <param name="Network">The network.</param>
/// <param name="Node">The node.</param>
public sealed record MemberDeleted(NetworkId Network, NodeId Node) : ControllerEvent
{
    /// <inheritdoc />
    public override NetworkId NetworkId => Network;
}

/// <summary>A member was heard of after two minutes or more of silence, or ceased to be heard of.</summary>
/// <param name="Network">The network.</param>
/// <param name="Node">The node.</param>
/// <param name="IsOnline">Which of both.</param>
public sealed record MemberPresenceChanged(NetworkId Network, NodeId Node, bool IsOnline) : ControllerEvent
{
    /// <inheritdoc />
    public override NetworkId NetworkId => Network;
}
