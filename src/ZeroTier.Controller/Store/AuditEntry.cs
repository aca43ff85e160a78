namespace ZeroTier.Controller;

/// <summary>One line of the audit trail: who changed what, and when. Immutable.</summary>
public sealed record AuditEntry
{
    /// <summary>Grows with each entry; the store sets it.</summary>
    public long Id { get; init; }

    /// <summary>When.</summary>
    public required DateTimeOffset Time { get; init; }

    /// <summary>Who.</summary>
    public required Actor Actor { get; init; }

    /// <summary>What was done, in a word of the program: <c>network.create</c>, <c>member.authorize</c>.</summary>
    public required string Action { get; init; }

    /// <summary>To which network.</summary>
    public required NetworkId Network { get; init; }

    /// <summary>To which member; null where it was the network itself.</summary>
    public NodeId? Member { get; init; }

    /// <summary>What changed, for people: names of settings. Never secrets.</summary>
    public string Detail { get; init; } = "";
}
