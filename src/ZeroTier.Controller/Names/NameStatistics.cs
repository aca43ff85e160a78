namespace ZeroTier.Controller;

/// <summary>Counters of a <see cref="NameService"/> since it was created. A snapshot; immutable.</summary>
public sealed record NameStatistics
{
    /// <summary>Answers sent by UDP, including refusals.</summary>
    public long DatagramAnswers { get; init; }

    /// <summary>Answers sent by TCP, including refusals.</summary>
    public long StreamAnswers { get; init; }

    /// <summary>Messages that were not answered because they are not queries: without a complete header, or responses.</summary>
    public long Ignored { get; init; }

    /// <summary>Messages of nodes that are not (or no longer) members of the network, or whose node the engine cannot prove.</summary>
    public long Strangers { get; init; }

    /// <summary>Messages dropped by the rate limit per node.</summary>
    public long RateLimited { get; init; }

    /// <summary>TCP connections refused because of the limits, or because the engine cannot prove the node.</summary>
    public long ConnectionsRefused { get; init; }
}
