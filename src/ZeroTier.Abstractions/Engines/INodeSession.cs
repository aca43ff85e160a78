namespace ZeroTier.Engines;

/// <summary>One life of an engine's node, from a start to the stop.</summary>
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

    /// <summary>Why waiting for it is of no use; null while it may still come up, or is up.</summary>
    ZeroTierException? Failure { get; }
}
