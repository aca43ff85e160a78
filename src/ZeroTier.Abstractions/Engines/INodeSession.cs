namespace ZeroTier.Engines;

/// <summary>A running node of an engine, from start to stop.</summary>
internal interface INodeSession<out TNetwork>
    where TNetwork : class, IJoinedNetwork
{
    /// <summary>The node's address.</summary>
    NodeId Id { get; }

    /// <summary>A root answers.</summary>
    bool IsOnline { get; }

    /// <summary>A network that is joined in this life; null for others.</summary>
    TNetwork? Find(NetworkId network);
}

/// <summary>One network of a running node.</summary>
internal interface IJoinedNetwork
{
    /// <summary>How it looks now.</summary>
    ZeroTierNetwork Snapshot { get; }

    /// <summary>Why it cannot become ready; null while it may, or is.</summary>
    ZeroTierException? Failure { get; }
}
