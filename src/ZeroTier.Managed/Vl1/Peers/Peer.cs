namespace ZeroTier.Managed.Vl1.Peers;

/// <summary>Another node whose identity is known (docs/protocol/2-vl1.md 2.12).</summary>
/// <remarks>
/// What the data plane touches is immutable, replaced whole, or a time stamp written atomically. Everything under "control" is
/// guarded by the node's control lock.
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

    /// <summary>The cipher that it reads.</summary>
    public CipherSuite Suite => Version.SpeaksAes ? CipherSuite.AesGmacSiv : CipherSuite.Salsa20Poly1305;

    /// <summary>What it announced; replaced under the control lock.</summary>
    public PeerVersion Version { get; set; }

    /// <summary>True for the roots of planet and moons, other than ourselves.</summary>
    public bool IsUpstream { get; set; }

    /// <summary>True for a root of moons only.</summary>
    public bool IsMoonRoot { get; set; }

    /// <summary>Its paths, in order of learning. Replaced whole.</summary>
    public PeerPath[] Paths
    {
        get => _paths;
        set => _paths = value;
    }

    /// <summary>
    /// Whether frames may go in the clear on a path: it leads to the peer itself, not to a root that relays, and the peer is no root.
    /// </summary>
    public bool MayTrust(PeerPath path) => !IsUpstream && (ReferenceEquals(Route.Path, path) || ReferenceEquals(Route.Fallback, path));

    /// <summary>Whether a path to this endpoint is alive.</summary>
    public bool HasLivePath(InetEndPoint endPoint, long now) => Array.Exists(Paths, path => path.EndPoint == endPoint && path.IsAlive(now));

    /// <summary>How to send to it. Replaced whole.</summary>
    public PeerRoute Route
    {
        get => _route;
        set => _route = value;
    }

    /// <summary>The last relayed route that frames took. Replaced whole.</summary>
    public RelayedWay? Relayed
    {
        get => _relayed;
        set => _relayed = value;
    }

    /// <summary>Whether packets to it take a direct path now.</summary>
    public bool IsDirect => _route.Path is not null;

    /// <summary>When something authenticated last came from it, in the node's milliseconds.</summary>
    public long LastReceived
    {
        get => Volatile.Read(ref _lastReceived);
        set => Volatile.Write(ref _lastReceived, value);
    }

    /// <summary>When it last sent a frame or a configuration message: what keeps it active.</summary>
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

    /// <summary>When something was last sent to it through a root because no direct path lives.</summary>
    public long LastRelayedSend
    {
        get => Volatile.Read(ref _lastRelayedSend);
        set => Volatile.Write(ref _lastRelayedSend, value);
    }

    /// <summary>When our addresses were last pushed to it.</summary>
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
    /// Credits bytes received from it, directly or through a root, against what may be sent to endpoints that it names. Thread-safe.
    /// </summary>
    public void Earn(int bytes)
    {
        if (Volatile.Read(ref _credit) < Vl1Limits.UnprovenCredit)
        {
            Interlocked.Add(ref _credit, Vl1Limits.Amplification * bytes);
        }
    }

    // Control.

    /// <summary>Charges bytes sent to endpoints that it names; false when they exceed the credit.</summary>
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
    /// Looked up on our own behalf: for our traffic, or because it is a root or a controller, or was introduced by a root.
    /// </summary>
    public bool IsWanted { get; set; }

    /// <summary>Its endpoints when it was last heard, in an earlier run or before its paths expired: tried while it has no path.</summary>
    public IReadOnlyList<InetEndPoint> FormerEndPoints { get; set; } = [];

    public long LastPlacesTold { get; set; } = Vl1Timing.Never;

    public long LastFormerHello { get; set; } = Vl1Timing.Never;

    public bool IsForgotten { get; set; }

    public long Created { get; init; }

    public long LastFullHello { get; set; } = Vl1Timing.Never;

    public long LastKeepalive { get; set; } = Vl1Timing.Never;

    public long KeepaliveBefore { get; set; } = Vl1Timing.Never;

    /// <summary>Two keepalives went out since it was last heard.</summary>
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

    /// <summary>Endpoints from which it has not answered.</summary>
    public UnprovenPlaces UnprovenPlaces { get; } = new();

    /// <summary>The path that a packet came over, if it has been learnt.</summary>
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

    /// <summary>Whether a packet came directly over a path that has been learnt.</summary>
    public bool IsProven(in PacketInfo info) => info.Hops == 0 && FindPath(info.Socket, info.Source) is not null;

    /// <summary>Bytes that may be sent back to the source of a packet. Control.</summary>
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

    /// <summary>Mean round trip of the path in use, in milliseconds; 0 = not measured.</summary>
    public int Latency => _route.Path?.Latency ?? 0;

    /// <summary>When it was last heard, or added.</summary>
    public long LastSign => Math.Max(LastReceived, Created);

    /// <summary>What is kept of it: where it is, or where it last was. Allocates.</summary>
    public KnownPeer ToKnownPeer() => new(Identity, Version, Paths.Length == 0 ? FormerEndPoints : EndPointsOf(Paths));

    /// <summary>The endpoints of paths, as many as are kept. Allocates.</summary>
    public static IReadOnlyList<InetEndPoint> EndPointsOf(IEnumerable<PeerPath> paths) =>
        [.. paths.Select(path => path.EndPoint).Distinct().Take(Vl1Limits.CachedEndPoints)];

    public override string ToString() => Id.ToString();
}
