namespace ZeroTier.Engines;

/// <summary>A running node of an engine, from start to stop.</summary>
internal interface INodeSession<out TNetwork>
    where TNetwork : class, IJoinedNetwork
{
    /// <summary>The node's address.</summary>
    NodeId Id { get; }

    /// <summary>Whether a root answers.</summary>
    bool IsOnline { get; }

    /// <summary>A network joined in this session; null for others.</summary>
    TNetwork? Find(NetworkId network);
}

/// <summary>One network of a running node.</summary>
internal interface IJoinedNetwork
{
    /// <summary>The network's current state.</summary>
    ZeroTierNetwork Snapshot { get; }

    /// <summary>Why the network cannot become ready; null when it is ready or still may become so.</summary>
    ZeroTierException? Failure { get; }
}
