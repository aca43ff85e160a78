namespace ZeroTier.Controller;

/// <summary>What a <see cref="NameService"/> has done since it was made. Immutable.</summary>
public sealed record NameStatistics
{
    /// <summary>Answers by UDP, those included that refuse.</summary>
    public long DatagramAnswers { get; init; }

    /// <summary>Answers by TCP, those included that refuse.</summary>
    public long StreamAnswers { get; init; }

    /// <summary>
    /// Messages that got no answer because they are none that may have one: damaged beyond the header, or answers themselves.
    /// </summary>
    public long Ignored { get; init; }

    /// <summary>Messages and connections of nodes that are no members of the network (any more), or that nobody vouches for.</summary>
    public long Strangers { get; init; }

    /// <summary>Messages beyond the rate that each node has.</summary>
    public long RateLimited { get; init; }

    /// <summary>Connections beyond those that a node, or all together, may have.</summary>
    public long ConnectionsRefused { get; init; }
}
