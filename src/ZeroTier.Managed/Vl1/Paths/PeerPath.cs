namespace ZeroTier.Managed.Vl1.Paths;

/// <summary>
/// A physical way to a peer: one of our sockets and one endpoint (docs/protocol/2-vl1.md 2.13). Learnt only from replies.
/// </summary>
/// <remarks>
/// <code>
///            reply from an endpoint              packet from the peer            243 s without one
///  (none) ────────────────────────▶ alive ◀────────────────────────── silent ──────────────────▶ dropped
///                                     │     19 s without a packet        ▲
///                                     └──────────────────────────────────┘
/// </code>
/// While it carries frames, two unanswered ECHOs (about two seconds) mark it for validation: frames then go through a root until it is
/// heard again. Created and dropped under the control lock. Receiving and sending threads write the time stamps.
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

    /// <summary>The number under which frames on it go in the clear; 0 where they do not.</summary>
    public ulong TrustedId { get; }

    /// <summary>How large datagrams on it may be.</summary>
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

    /// <summary>Last ECHO answered on it: the rate gate's state.</summary>
    public long LastEchoAnswer { get; set; } = Vl1Timing.Never;

    /// <summary>When it was last probed with an ECHO because frames use it.</summary>
    public long LastProbe { get; set; } = Vl1Timing.Never;

    /// <summary>Probes since the peer was last heard on it.</summary>
    public int UnansweredProbes { get; set; }

    /// <summary>
    /// Set when an address change or missing answers put the path in doubt: not used until something is received over it (2.14).
    /// </summary>
    public bool NeedsValidation { get; set; }

    /// <summary>Round trip in milliseconds, the mean of the last and the former value; 0 = not measured.</summary>
    public int Latency { get; private set; }

    public bool Is(int socket, in InetEndPoint endPoint) => Socket == socket && EndPoint == endPoint;

    public bool IsAlive(long now) => !NeedsValidation && now - LastReceived < Vl1Timing.PathAlive;

    public bool IsExpired(long now) => now - LastReceived >= Vl1Timing.PathExpiry;

    /// <summary>Takes a measurement, and gives it as it was taken.</summary>
    public int AddLatencySample(long milliseconds)
    {
        int sample = (int)Math.Clamp(milliseconds, 1, ushort.MaxValue);
        Latency = Latency == 0 ? sample : (Latency + sample) / 2;
        return sample;
    }

    /// <summary>
    /// Alive before silent, then lower quality value, which weighs latency by scope (2.13.3). ZeroTierOne 1.12 adds a
    /// penalty for silence to the quality instead; there a silent path can win over a living one whose latency is not measured yet.
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

/// <summary>How packets to a peer are sent now. Immutable: the control plane replaces it, senders read it without a lock.</summary>
/// <param name="Suite">The cipher that the peer reads.</param>
/// <param name="Path">The direct path; null = through the best root.</param>
/// <param name="Fallback">When no root can be reached: a direct path that seems dead.</param>
internal sealed record PeerRoute(CipherSuite Suite, PeerPath? Path, PeerPath? Fallback);

/// <summary>
/// A relayed route to a peer. Its MTU is discovered end to end: the root forwards datagrams unchanged, however narrow its own path to the
/// peer is.
/// </summary>
/// <param name="Root">The path to the root.</param>
/// <param name="Mtu">How large datagrams to the peer may be.</param>
internal sealed record RelayedWay(PeerPath Root, PathMtu Mtu);
