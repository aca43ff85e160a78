namespace ZeroTier.Controller;

/// <summary>A filter for entries of the audit trail. Immutable.</summary>
public sealed record AuditQuery
{
    /// <summary>Only entries of this network. Default: of all.</summary>
    public NetworkId? Network { get; init; }

    /// <summary>Only entries of this member. Default: of all.</summary>
    public NodeId? Member { get; init; }

    /// <summary>
    /// Only entries with a lower <see cref="AuditEntry.Id"/>: for paging, the last ID of the previous page. Default: starts with the newest
    /// entry.
    /// </summary>
    public long? Before { get; init; }

    /// <summary>The maximum number of entries, 1 or more. Default 100.</summary>
    public int Limit { get; init; } = 100;
}
