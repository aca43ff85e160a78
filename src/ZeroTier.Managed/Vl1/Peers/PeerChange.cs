namespace ZeroTier.Managed.Vl1.Peers;

/// <summary>What changed about a peer.</summary>
internal enum PeerChange
{
    /// <summary>Its identity became known.</summary>
    Added,

    /// <summary>It was evicted from memory.</summary>
    Removed,

    /// <summary>It has a direct path now; before it had none.</summary>
    Direct,

    /// <summary>It has no direct path any more and is reached through a root.</summary>
    Relayed,

    /// <summary>A path was added; it had others before.</summary>
    PathAdded,

    /// <summary>A path was lost, others remain.</summary>
    PathRemoved,

    /// <summary>The path MTU to it has fallen: larger datagrams that were sent lately are lost.</summary>
    PathNarrowed,
}
