namespace ZeroTier.Controller;

/// <summary>An entry of the audit trail: who changed what, and when. Immutable.</summary>
public sealed record AuditEntry
{
    /// <summary>The entry's number, increasing; set by the store.</summary>
    public long Id { get; init; }

    /// <summary>When the change was made.</summary>
    public required DateTimeOffset Time { get; init; }

    /// <summary>Who made the change.</summary>
    public required Actor Actor { get; init; }

    /// <summary>The kind of change, as a stable identifier: <c>network.create</c>, <c>member.authorize</c>.</summary>
    public required string Action { get; init; }

    /// <summary>The network.</summary>
    public required NetworkId Network { get; init; }

    /// <summary>The member; null when the network itself was changed.</summary>
    public NodeId? Member { get; init; }

    /// <summary>Details for people, such as the names of the changed settings. Never contains secrets.</summary>
    public string Detail { get; init; } = "";
}
