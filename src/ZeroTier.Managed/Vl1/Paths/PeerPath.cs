namespace ZeroTier.Managed.Vl1.Paths;

/// <summary>
/// A physical path to a peer: one of our sockets and one endpoint (docs/protocol/2-vl1.md 2.13). Learnt only from replies.
/// </summary>
/// <remarks>
/// <code>
///            reply from an endpoint              packet from the peer            243 s without one
///  (none) ────────────────────────▶ alive ◀────────────────────────── silent ──────────────────▶ dropped
///                                     │     19 s without a packet        ▲
///                                     └──────────────────────────────────┘
/// </code>
/// While frames are sent on it, two unanswered ECHOs (about two seconds) mark it for validation: frames then go through a root until
/// something is received on it again. Created and dropped under the control lock. Receiving and sending threads write the time stamps.
/// </remarks>
internal sealed class PeerPath
{
    private long _lastReceived;
    private long _lastSent = Vl1Timing.Never;
    private long _lastUsed = Vl1Timing.Never;

    public PeerPath(int socket, in InetEndPoint endPoint, long now, ulong trustedId = 0)
    {
        TrustedId = trustedId;
        Socket = socket;
        EndPoint = endPoint;
        Scope = IpScopes.Of(endPoint);
        _lastReceived = now;
    }

    public int Socket { get; }

    public InetEndPoint EndPoint { get; }

    public IpScope Scope { get; }

    /// <summary>The ID of the trusted path, on which packets are not encrypted; 0 when it is not one.</summary>
    public ulong TrustedId { get; }

    /// <summary>The path MTU.</summary>
    public PathMtu Mtu { get; } = new();

    /// <summary>When the peer's last authenticated packet came directly over this path.</summary>
    public long LastReceived
    {
        get => Volatile.Read(ref _lastReceived);
        set => Volatile.Write(ref _lastReceived, value);
    }

    /// <summary>When anything was last sent over it.</summary>
    public long LastSent
    {
        get => Volatile.Read(ref _lastSent);
        set => Volatile.Write(ref _lastSent, value);
    }

    /// <summary>When packets of the layer above were last sent over it.</summary>
    public long LastUsed
    {
        get => Volatile.Read(ref _lastUsed);
        set => Volatile.Write(ref _lastUsed, value);
    }

    /// <summary>When an ECHO on it was last answered, for the rate limit.</summary>
    public long LastEchoAnswer { get; set; } = Vl1Timing.Never;

    /// <summary>When it was last probed with an ECHO because frames use it.</summary>
    public long LastProbe { get; set; } = Vl1Timing.Never;

    /// <summary>ECHO probes sent since something was last received on it.</summary>
    public int UnansweredProbes { get; set; }

    /// <summary>
    /// Set after an address change or missing answers: the path is not used until something is received over it (2.14).
    /// </summary>
    public bool NeedsValidation { get; set; }

    /// <summary>
    /// Smoothed round-trip time in milliseconds: each measurement is averaged with the value before; 0 when not measured yet.
    /// </summary>
    public int Latency { get; private set; }

    public bool Is(int socket, in InetEndPoint endPoint) => Socket == socket && EndPoint == endPoint;

    public bool IsAlive(long now) => !NeedsValidation && now - LastReceived < Vl1Timing.PathAlive;

    public bool IsExpired(long now) => now - LastReceived >= Vl1Timing.PathExpiry;

    /// <summary>Adds a measurement and returns it, clamped to 1 to 65,535 ms.</summary>
    public int AddLatencySample(long milliseconds)
    {
        int sample = (int)Math.Clamp(milliseconds, 1, ushort.MaxValue);
        Latency = Latency == 0 ? sample : (Latency + sample) / 2;
        return sample;
    }

    /// <summary>
    /// An alive path is better than a silent one. Of two alive paths, the one with the lower cost, which is latency weighted by scope
    /// (2.13.3), is better; of two silent ones, the one on which something was received later. ZeroTierOne 1.12 adds a penalty for silence
    /// to the cost instead; there a silent path can be preferred to an alive one whose latency is not measured yet.
    /// </summary>
    public bool IsBetterThan(PeerPath other, long now)
    {
        bool alive = IsAlive(now);
        if (alive != other.IsAlive(now))
        {
            return alive;
        }

        return alive ? Quality < other.Quality : LastReceived > other.LastReceived;
    }

    private int Quality => (Latency == 0 ? ushort.MaxValue : Latency) * (8 - (int)Scope);
}

/// <summary>The current route to a peer. Immutable: the control plane replaces it, senders read it without a lock.</summary>
/// <param name="Suite">The cipher suite that the peer supports.</param>
/// <param name="Path">The direct path; null to send through the best root.</param>
/// <param name="Fallback">A silent direct path, to be used when no root can be reached.</param>
internal sealed record PeerRoute(CipherSuite Suite, PeerPath? Path, PeerPath? Fallback);

/// <summary>
/// A relayed route to a peer. Its MTU is discovered end to end, since the root forwards datagrams unchanged, whatever the MTU of its own
/// path to the peer.
/// </summary>
/// <param name="Root">The path to the root.</param>
/// <param name="Mtu">The MTU of the whole route.</param>
internal sealed record RelayedWay(PeerPath Root, PathMtu Mtu);
