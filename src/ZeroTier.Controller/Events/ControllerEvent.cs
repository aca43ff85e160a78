namespace ZeroTier.Controller;

/// <summary>An event of a controller. Immutable.</summary>
public abstract record ControllerEvent
{
    private protected ControllerEvent()
    {
    }

    /// <summary>The sequence number, increasing by one with each event of a controller.</summary>
    public long Sequence { get; internal init; }

    /// <summary>The time of the event.</summary>
    public DateTimeOffset Time { get; internal init; }

    /// <summary>The network.</summary>
    public abstract NetworkId NetworkId { get; }
}

/// <summary>A network was created or changed.</summary>
/// <param name="Network">The network's current record; revision 1 means that it is new.</param>
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

/// <summary>A record of a member, or of a node that is not authorised yet, was created or changed.</summary>
/// <param name="Member">The current record; revision 1 means that it is new.</param>
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

/// <summary>A member came online (its first request, or the first after two minutes of silence), or went offline.</summary>
/// <param name="Network">The network.</param>
/// <param name="Node">The node.</param>
/// <param name="IsOnline">Whether the member is now online.</param>
public sealed record MemberPresenceChanged(NetworkId Network, NodeId Node, bool IsOnline) : ControllerEvent
{
    /// <inheritdoc />
    public override NetworkId NetworkId => Network;
}
