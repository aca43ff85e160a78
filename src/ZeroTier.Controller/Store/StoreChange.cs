namespace ZeroTier.Controller;

/// <summary>One change of a store. Immutable.</summary>
public abstract record StoreChange
{
    private protected StoreChange()
    {
    }

    /// <summary>The network that changes, or the network of the member that changes.</summary>
    public abstract NetworkId NetworkId { get; }

    /// <summary>The revision of the record before the change; 0 when the record must not exist.</summary>
    public required long ExpectedRevision { get; init; }
}

/// <summary>Creates or replaces a network.</summary>
/// <param name="Network">The new record.</param>
public sealed record NetworkWrite(ControllerNetwork Network) : StoreChange
{
    /// <inheritdoc />
    public override NetworkId NetworkId => Network.Id;
}

/// <summary>Deletes a network with its members.</summary>
/// <param name="Id">The network.</param>
public sealed record NetworkRemoval(NetworkId Id) : StoreChange
{
    /// <inheritdoc />
    public override NetworkId NetworkId => Id;
}

/// <summary>Creates or replaces a member.</summary>
/// <param name="Member">The new record.</param>
public sealed record MemberWrite(ControllerMember Member) : StoreChange
{
    /// <inheritdoc />
    public override NetworkId NetworkId => Member.Network;
}

/// <summary>Deletes a member.</summary>
/// <param name="Network">The network.</param>
/// <param name="Node">The node.</param>
public sealed record MemberRemoval(NetworkId Network, NodeId Node) : StoreChange
{
    /// <inheritdoc />
    public override NetworkId NetworkId => Network;
}
