namespace ZeroTier.Controller;

/// <summary>What a controller has done since it was made. Immutable.</summary>
public sealed record ControllerStatistics
{
    /// <summary>Requests of nodes.</summary>
    public long Requests { get; init; }

    /// <summary>Requests that were ignored because the node had asked less than a second before.</summary>
    public long RequestsTooSoon { get; init; }

    /// <summary>Requests of unknown nodes that gave way to others of unknown nodes, because too many came at once.</summary>
    public long RequestsDropped { get; init; }

    /// <summary>Configurations that answered a request.</summary>
    public long Replies { get; init; }

    /// <summary>Requests that were refused.</summary>
    public long Refusals { get; init; }

    /// <summary>Requests of nodes with another identity than the one that is recorded for their address.</summary>
    public long IdentityMismatches { get; init; }

    /// <summary>Configurations that were sent because something changed.</summary>
    public long Pushes { get; init; }

    /// <summary>Revocations that were sent.</summary>
    public long Revocations { get; init; }

    /// <summary>Nodes that were never authorised, and were forgotten to make room for others.</summary>
    public long StrangersForgotten { get; init; }

    /// <summary>
    /// Requests of unknown nodes that were refused without a record, because too many came at once or the network was full.
    /// </summary>
    public long StrangersNotRecorded { get; init; }

    /// <summary>Times that the store failed to write; those requests were not answered.</summary>
    public long StoreFailures { get; init; }
}
