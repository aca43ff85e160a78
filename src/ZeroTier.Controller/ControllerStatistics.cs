namespace ZeroTier.Controller;

/// <summary>Counters of a controller since it was opened. A snapshot; immutable.</summary>
public sealed record ControllerStatistics
{
    /// <summary>Configuration requests received.</summary>
    public long Requests { get; init; }

    /// <summary>Requests ignored because the node's previous one was less than a second before.</summary>
    public long RequestsTooSoon { get; init; }

    /// <summary>
    /// Requests of unknown nodes dropped because the queue for unknown nodes was full, or the same request was already in it.
    /// </summary>
    public long RequestsDropped { get; init; }

    /// <summary>Configurations sent in reply to a request.</summary>
    public long Replies { get; init; }

    /// <summary>Requests that were refused.</summary>
    public long Refusals { get; init; }

    /// <summary>Requests of nodes whose identity differs from the one recorded for their address.</summary>
    public long IdentityMismatches { get; init; }

    /// <summary>Configurations that were sent because something changed.</summary>
    public long Pushes { get; init; }

    /// <summary>Revocations that were sent.</summary>
    public long Revocations { get; init; }

    /// <summary>
    /// Records of nodes removed to make room for others: never authorised ones, and silent ones that a public network had admitted.
    /// </summary>
    public long StrangersForgotten { get; init; }

    /// <summary>
    /// Requests of unknown nodes refused without creating a record, because of the rate limit or because the network was full.
    /// </summary>
    public long StrangersNotRecorded { get; init; }

    /// <summary>Failed writes to the store; the requests concerned were not answered.</summary>
    public long StoreFailures { get; init; }
}
