namespace ZeroTier.Managed.Vl1.Peers;

/// <summary>Another node whose identity is known (docs/protocol/2-vl1.md 2.12).</summary>
/// <remarks>
/// What the data plane uses is immutable, replaced whole, or a time stamp written atomically. The members below the comment "Control
/// plane" are guarded by the node's control lock.
/// </remarks>
internal sealed class Peer
{
    private volatile PeerPath[] _paths = [];
    private volatile RelayedWay? _relayed;
    private volatile PeerRoute _route = new(CipherSuite.Salsa20Poly1305, null, null);
    private long _lastReceived = Vl1Timing.Never;
    private long _lastNontrivial = Vl1Timing.Never;
    private long _lastTrust = Vl1Timing.Never;
    private long _lastRelayedSend = Vl1Timing.Never;
    private long _lastPush = Vl1Timing.Never;
    private long _lastRevalidation = Vl1Timing.Never;
    private int _credit;

    public Peer(NodeIdentity identity, SessionKeys keys)
    {
        Identity = identity;
        Id = identity.Address;
        Keys = keys;
    }

    public NodeId Id { get; }

    public NodeIdentity Identity { get; }

    public SessionKeys Keys { get; }

    /// <summary>The cipher suite for packets to it.</summary>
    public CipherSuite Suite => Version.SpeaksAes ? CipherSuite.AesGmacSiv : CipherSuite.Salsa20Poly1305;

    /// <summary>The versions that it announced; replaced under the control lock.</summary>
    public PeerVersion Version { get; set; }

    /// <summary>True for the roots of planet and moons, other than ourselves.</summary>
    public bool IsUpstream { get; set; }

    /// <summary>True for a root of moons only.</summary>
    public bool IsMoonRoot { get; set; }

    /// <summary>Its direct paths. Replaced whole.</summary>
    public PeerPath[] Paths
    {
        get => _paths;
        set => _paths = value;
    }

    /// <summary>
    /// Whether frames may be sent unencrypted on a path, if it is a trusted one: it must lead to the peer itself and not to a relaying
    /// root, and the peer must not be a root.
    /// </summary>
    public bool MayTrust(PeerPath path) => !IsUpstream && (ReferenceEquals(Route.Path, path) || ReferenceEquals(Route.Fallback, path));

    /// <summary>Whether a path to this endpoint is alive.</summary>
    public bool HasLivePath(InetEndPoint endPoint, long now) => Array.Exists(Paths, path => path.EndPoint == endPoint && path.IsAlive(now));

    /// <summary>The current route to it. Replaced whole.</summary>
    public PeerRoute Route
    {
        get => _route;
        set => _route = value;
    }

    /// <summary>The relayed route that frames took last. Replaced whole.</summary>
    public RelayedWay? Relayed
    {
        get => _relayed;
        set => _relayed = value;
    }

    /// <summary>Whether packets to it take a direct path now.</summary>
    public bool IsDirect => _route.Path is not null;

    /// <summary>When an authenticated packet was last received from it, in milliseconds since the node was created.</summary>
    public long LastReceived
    {
        get => Volatile.Read(ref _lastReceived);
        set => Volatile.Write(ref _lastReceived, value);
    }

    /// <summary>When it last sent a frame or a configuration message, which makes it an active peer.</summary>
    public long LastNontrivial
    {
        get => Volatile.Read(ref _lastNontrivial);
        set => Volatile.Write(ref _lastNontrivial, value);
    }

    /// <summary>When it last proved that it shares a network with us.</summary>
    public long LastTrust
    {
        get => Volatile.Read(ref _lastTrust);
        set => Volatile.Write(ref _lastTrust, value);
    }

    /// <summary>When something was last sent to it through a root because no direct path was alive.</summary>
    public long LastRelayedSend
    {
        get => Volatile.Read(ref _lastRelayedSend);
        set => Volatile.Write(ref _lastRelayedSend, value);
    }

    /// <summary>When our endpoints were last sent to it in PUSH_DIRECT_PATHS.</summary>
    public long LastPush
    {
        get => Volatile.Read(ref _lastPush);
        set => Volatile.Write(ref _lastPush, value);
    }

    /// <summary>When its direct paths were last revalidated because it sent through a root.</summary>
    public long LastRevalidation
    {
        get => Volatile.Read(ref _lastRevalidation);
        set => Volatile.Write(ref _lastRevalidation, value);
    }

    /// <summary>
    /// Credits bytes received from it, directly or through a root; the credit limits what is sent to endpoints that it announces.
    /// Thread-safe.
    /// </summary>
    public void Earn(int bytes)
    {
        if (Volatile.Read(ref _credit) < Vl1Limits.UnprovenCredit)
        {
            Interlocked.Add(ref _credit, Vl1Limits.Amplification * bytes);
        }
    }

    // Control plane.

    /// <summary>Charges bytes sent to endpoints that it has announced; false when they exceed the credit.</summary>
    public bool TrySpend(int bytes)
    {
        if (Volatile.Read(ref _credit) < bytes)
        {
            return false;
        }

        Interlocked.Add(ref _credit, -bytes);
        return true;
    }

    public IReadOnlyList<InetEndPoint> RootEndPoints { get; set; } = [];

    /// <summary>
    /// Set when we need the peer ourselves: for our traffic, or because it is a root or a controller, or was introduced by a root. Not set
    /// by unauthenticated packets.
    /// </summary>
    public bool IsWanted { get; set; }

    /// <summary>
    /// Its endpoints of an earlier run, or before its paths expired. HELLO is sent to them while it has no path.
    /// </summary>
    public IReadOnlyList<InetEndPoint> FormerEndPoints { get; set; } = [];

    public long LastPlacesTold { get; set; } = Vl1Timing.Never;

    public long LastFormerHello { get; set; } = Vl1Timing.Never;

    public bool IsForgotten { get; set; }

    public long Created { get; init; }

    public long LastFullHello { get; set; } = Vl1Timing.Never;

    public long LastKeepalive { get; set; } = Vl1Timing.Never;

    public long KeepaliveBefore { get; set; } = Vl1Timing.Never;

    /// <summary>Two keepalives were sent to it since something was last received from it.</summary>
    public bool IsUnresponsive => KeepaliveBefore > LastReceived;

    public long LastRelayedHello { get; set; } = Vl1Timing.Never;

    /// <summary>When the layer above was last notified of its HELLO.</summary>
    public long LastHelloNotice { get; set; } = Vl1Timing.Never;

    public long LastWhoisAnswer { get; set; } = Vl1Timing.Never;

    public long LastCredentials { get; set; } = Vl1Timing.Never;

    public long LastEchoAnswer { get; set; } = Vl1Timing.Never;

    public long LastPortGuess { get; set; } = Vl1Timing.Never;

    public long LastPushReceived { get; set; } = Vl1Timing.Never;

    public int PushesInARow { get; set; }

    /// <summary>Its endpoints that are not validated.</summary>
    public UnprovenPlaces UnprovenPlaces { get; } = new();

    /// <summary>The path with this socket and endpoint, if it has been learnt.</summary>
    public PeerPath? FindPath(int socket, in InetEndPoint endPoint)
    {
        foreach (var path in _paths)
        {
            if (path.Is(socket, endPoint))
            {
                return path;
            }
        }

        return null;
    }

    /// <summary>Whether a packet was received directly over a learnt path, whose endpoint is therefore validated.</summary>
    public bool IsProven(in PacketInfo info) => info.Hops == 0 && FindPath(info.Socket, info.Source) is not null;

    /// <summary>Bytes that may be sent back to the source of a packet.</summary>
    public int AnswerRoom(in PacketInfo info) => IsProven(info) ? int.MaxValue : UnprovenPlaces.Room(info.Source);

    /// <summary>The best unexpired path, alive or not.</summary>
    public PeerPath? BestPath(long now)
    {
        PeerPath? best = null;
        foreach (var path in _paths)
        {
            if (!path.IsExpired(now) && (best is null || !best.IsBetterThan(path, now)))
            {
                best = path;
            }
        }

        return best;
    }

    /// <summary>Smoothed round-trip time of the path in use, in milliseconds; 0 when not measured.</summary>
    public int Latency => _route.Path?.Latency ?? 0;

    /// <summary>When something was last received from it, or when it was added.</summary>
    public long LastSign => Math.Max(LastReceived, Created);

    /// <summary>Its entry for the peer cache, with the endpoints of its paths, or the former ones. Allocates.</summary>
    public KnownPeer ToKnownPeer() => new(Identity, Version, Paths.Length == 0 ? FormerEndPoints : EndPointsOf(Paths));

    /// <summary>The endpoints of paths, up to the limit of the peer cache. Allocates.</summary>
    public static IReadOnlyList<InetEndPoint> EndPointsOf(IEnumerable<PeerPath> paths) =>
        [.. paths.Select(path => path.EndPoint).Distinct().Take(Vl1Limits.CachedEndPoints)];

    public override string ToString() => Id.ToString();
}
