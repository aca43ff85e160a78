using System.Net;

namespace ZeroTier;

/// <summary>The role of a peer; the values are those of libzt.</summary>
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
public sealed record ZeroTierPeer
{
    /// <summary>Creates a snapshot.</summary>
    /// <param name="id">Its address.</param>
    /// <param name="role">Its role.</param>
    public ZeroTierPeer(NodeId id, ZeroTierPeerRole role)
    {
        Id = id;
        Role = role;
    }

    /// <summary>Its address.</summary>
    public NodeId Id { get; init; }

    /// <summary>Its role.</summary>
    public ZeroTierPeerRole Role { get; init; }

    /// <summary>Its direct paths, best first; empty when it is reached through a root.</summary>
    public IReadOnlyList<ZeroTierPath> Paths { get; init; } = [];

    /// <summary>Round-trip time over the direct path; null until measured.</summary>
    public TimeSpan? Latency { get; init; }

    /// <summary>Its software version; null until the peer has announced it.</summary>
    public Version? Version { get; init; }

    /// <summary>When something authenticated was last received from it; null if never.</summary>
    public DateTimeOffset? LastReceived { get; init; }

    /// <summary>True when at least one direct path is known. Engines that cannot list the paths set it instead.</summary>
    public bool IsDirect
    {
        get => field || Paths.Count > 0;
        init;
    }

    /// <summary>
    /// True when packets from it arrive through a root and no direct path is known. This and <see cref="IsDirect"/> are both false for a
    /// peer that has gone silent or was never heard, which an engine may keep in its table for a while.
    /// </summary>
    public bool IsRelayed { get; init; }
}

/// <summary>A physical path to a peer: a UDP endpoint.</summary>
public sealed record ZeroTierPath
{
    /// <summary>Creates a path.</summary>
    /// <param name="endPoint">The peer's UDP endpoint.</param>
    /// <param name="lastReceived">When an authenticated packet last came over it.</param>
    /// <param name="isPreferred">True for the path in use.</param>
    public ZeroTierPath(IPEndPoint endPoint, DateTimeOffset lastReceived, bool isPreferred)
    {
        EndPoint = endPoint;
        LastReceived = lastReceived;
        IsPreferred = isPreferred;
    }

    /// <summary>The peer's UDP endpoint.</summary>
    public IPEndPoint EndPoint { get; init; }

    /// <summary>When an authenticated packet last came over it.</summary>
    public DateTimeOffset LastReceived { get; init; }

    /// <summary>When something was last sent over it; null if never, or on engines that do not report it.</summary>
    public DateTimeOffset? LastSent { get; init; }

    /// <summary>True for the path in use.</summary>
    public bool IsPreferred { get; init; }
}
