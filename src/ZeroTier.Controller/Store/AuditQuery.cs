namespace ZeroTier.Controller;

/// <summary>Which entries of the audit trail to read. Immutable.</summary>
public sealed record AuditQuery
{
    /// <summary>Only of this network. Default: of all.</summary>
    public NetworkId? Network { get; init; }

    /// <summary>Only of this member. Default: of all.</summary>
    public NodeId? Member { get; init; }

    /// <summary>
    /// Only entries with a lower <see cref="AuditEntry.Id"/>: the last one of the page before. Default: from the newest on.
    /// </summary>
    public long? Before { get; init; }

    /// <summary>How many, 1 or more. Default 100.</summary>
    public int Limit { get; init; } = 100;
}
