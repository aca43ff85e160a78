using System.Net;

namespace ZeroTier;

/// <summary>What a peer is, with libzt's own numbers.</summary>
public enum ZeroTierPeerRole
{
    /// <summary>An ordinary node.</summary>
    Leaf = 0,

    /// <summary>A root of a moon.</summary>
    Moon = 1,

    /// <summary>A root of the planet.</summary>
    Planet = 2,
}

/// <summary>A snapshot of another node that this node knows. Immutable.</summary>
/// <param name="Id">Its address.</param>
/// <param name="Role">What it is.</param>
public sealed record ZeroTierPeer(NodeId Id, ZeroTierPeerRole Role)
{
    /// <summary>Its direct paths, best first; empty when it is reached through a root.</summary>
    public IReadOnlyList<ZeroTierPath> Paths { get; init; } = [];

    /// <summary>Round-trip time over the direct path; null until measured.</summary>
    public TimeSpan? Latency { get; init; }

    /// <summary>Its software version; null until it said so.</summary>
    public Version? Version { get; init; }

    /// <summary>When something authenticated was last received from it; null if never.</summary>
    public DateTimeOffset? LastReceived { get; init; }

    /// <summary>True when at least one direct path is known. An engine that is not told the paths themselves sets it instead.</summary>
    public bool IsDirect
    {
        get => field || Paths.Count > 0;
        init;
    }

    /// <summary>
    /// True when it is heard through a root and no direct path is known. Both this and <see cref="IsDirect"/> are false for a peer that has gone silent, or was
    /// never heard, which an engine may remember for a while.
    /// </summary>
    public bool IsRelayed { get; init; }
}

/// <summary>A physical way to a peer.</summary>
/// <param name="EndPoint">The peer's UDP endpoint.</param>
/// <param name="LastReceived">When an authenticated packet last came over it.</param>
/// <param name="IsPreferred">True for the one in use.</param>
public sealed record ZeroTierPath(IPEndPoint EndPoint, DateTimeOffset LastReceived, bool IsPreferred);
