namespace ZeroTier.Managed.Vl1.Limits;

/// <summary>The intervals of VL1, in milliseconds (docs/protocol/2-vl1.md 2.19).</summary>
internal static class Vl1Timing
{
    /// <summary>A time before every other.</summary>
    public const long Never = long.MinValue / 4;

    /// <summary>The control tick: queued packets and look-ups are retried, paths are chosen again.</summary>
    public const int Tick = 500;

    /// <summary>
    /// Control ticks begin at multiples of this time on the clock, so that the nodes of a process share the wake-ups of a thread, which
    /// cost more than the ticks themselves.
    /// </summary>
    public const int TickGrid = 50;

    /// <summary>Lifetime of queued and waiting packets and of incomplete reassemblies.</summary>
    public const int QueueLifetime = 5_000;

    /// <summary>Keepalives to roots and active peers are considered this often.</summary>
    public const int PingCheck = 5_000;

    /// <summary>Expired peers, address reports and subscriptions are removed this often.</summary>
    public const int Housekeeping = 30_000;

    /// <summary>HELLO on all paths of active peers.</summary>
    public const int FullPing = 60_000;

    /// <summary>Keepalive: an ECHO is sent on a path when nothing was sent on it for this long.</summary>
    public const int Heartbeat = 14_000;

    /// <summary>
    /// An ECHO is sent on a path in use when nothing was received on it for this long, so that two may be lost before it counts as dead.
    /// </summary>
    public const int ReceiveHeartbeat = 9_000;

    /// <summary>A path counts as alive for this long after a packet was received on it.</summary>
    public const int PathAlive = 19_000;

    /// <summary>
    /// Time after the start at which HELLO is sent again to peers that may not have accepted our new port, because their path to our old
    /// port still counted as alive: one tick after that path has gone silent.
    /// </summary>
    public const int RepeatHellos = PathAlive + Tick;

    /// <summary>Interval of HELLOs to the cached endpoints of a peer without a path, while packets wait for it.</summary>
    public const int FormerHello = 1_000;

    /// <summary>When one identity is heard at several endpoints, a root reports the other ones to each of them this often.</summary>
    public const int OtherPlaces = 15_000;

    /// <summary>
    /// An endpoint from which a root received something within this time is current: more than the time between two keepalives of a leaf.
    /// </summary>
    public const int PlaceFresh = 7_500;

    /// <summary>How long after the start another endpoint of our identity, reported by a root, may be of our own previous run.</summary>
    public const int TwinPatience = PathAlive + PlaceFresh;

    /// <summary>The endpoint of another node with our identity is removed when it is not reported again in this time.</summary>
    public const int TwinMemory = 60_000;

    /// <summary>A path is dropped after this long without an authenticated packet.</summary>
    public const int PathExpiry = 243_000;

    /// <summary>At most one probe of an unvalidated endpoint in this time.</summary>
    public const int ConfirmInterval = 1_000;

    /// <summary>A path in use on which nothing was received for this long is probed with an ECHO, at this interval.</summary>
    public const int PathProbe = 500;

    /// <summary>
    /// A relayed packet does not cause revalidation of a path on which something was received within this time: it may only be late.
    /// </summary>
    public const int PathFresh = 50;

    /// <summary>
    /// A path is monitored for this long after the last frame sent on it: longer than the retransmission back-off of a sender that gets no
    /// answer.
    /// </summary>
    public const int PathWatched = 10_000;

    /// <summary>A relayed packet causes revalidation of direct paths at most this often.</summary>
    public const int RevalidationInterval = 2_000;

    /// <summary>A peer counts as trusted for this long after an accepted frame or credential.</summary>
    public const int Trust = 600_000;

    /// <summary>Least interval of PUSH_DIRECT_PATHS to a peer from which packets come relayed.</summary>
    public const int PushRelayed = 15_000;

    /// <summary>Least interval of PUSH_DIRECT_PATHS to a peer from which packets come directly.</summary>
    public const int PushDirect = 120_000;

    /// <summary>A pause after which received PUSH_DIRECT_PATHS are counted from zero again.</summary>
    public const int PushGateReset = 30_000;

    /// <summary>Least interval of introductions (RENDEZVOUS) of one pair of nodes.</summary>
    public const int Introduction = 30_000;

    /// <summary>Least interval of guessing a peer's NAT ports.</summary>
    public const int PortGuess = 10_000;

    /// <summary>Lifetime of a reported external address.</summary>
    public const int ExternalAddressReport = 600_000;

    /// <summary>Lifetime of a multicast subscription at a root.</summary>
    public const int MulticastLike = 600_000;

    /// <summary>Least interval of WHOIS for one address.</summary>
    public const int Whois = 500;

    /// <summary>
    /// A look-up caused by an unauthenticated packet may be evicted by another such one after this time, which suffices for two WHOIS: the
    /// first may only make the root ask another root.
    /// </summary>
    public const int WhoisForStranger = 2 * Whois;

    /// <summary>Least interval at which a node that is not a root answers WHOIS of one peer.</summary>
    public const int WhoisAnswer = 100;

    /// <summary>Least interval of answers to ECHO on one path.</summary>
    public const int EchoAnswer = 166;

    /// <summary>Least interval of NETWORK_CREDENTIALS that are accepted of one peer.</summary>
    public const int Credentials = 1_000;

    /// <summary>Least interval of warnings about identities that claim a known address, since any node can cause them.</summary>
    public const int CollisionWarning = 60_000;

    /// <summary>Least interval of answers to LAN beacons.</summary>
    public const int BeaconAnswer = 2_500;

    /// <summary>Least interval of HELLOs relayed by roots to a peer of unknown version, and of HELLOs to cached endpoints.</summary>
    public const int RelayedHello = 30_000;

    /// <summary>Interval of HELLOs to the nodes to which the layer above wants to keep a path, while there is none.</summary>
    public const int AnchorHello = 28_000;

    /// <summary>Paths over which frames went in this time are kept open, whatever the peer sends.</summary>
    public const int PathInUse = 60_000;

    /// <summary>For every such period of silence a root's score grows by its latency (2.10.1).</summary>
    public const int RootSilenceStep = 61_000;

    /// <summary>A peer heard after this much silence may have been unreachable: longer than most retransmission timers.</summary>
    public const int Silence = 1_000;

    /// <summary>The layer above is notified of a peer's HELLO at most this often.</summary>
    public const int HelloNotice = 10_000;

    /// <summary>A leaf that was silent for this long may be evicted from a full peer table.</summary>
    public const int EvictableAfter = 60_000;

    /// <summary>Timeout of a path MTU probe while no round-trip time is known (RFC 8899, 5.1.1: PROBE_TIMER).</summary>
    public const int MtuProbe = 1_000;

    /// <summary>Once a round-trip time is known, the timeout is four times that, but not less than this: a tick.</summary>
    public const int MtuProbeMin = Tick;

    /// <summary>Longest timeout of a path MTU probe when a round-trip time is known.</summary>
    public const int MtuProbeMax = 3_000;

    /// <summary>
    /// The MTU of a path that carries large datagrams is confirmed by a probe this often (RFC 8899, 5.1.1: CONFIRMATION_TIMER).
    /// </summary>
    public const int MtuConfirm = 30_000;

    /// <summary>A path with less than the default MTU is probed for a larger one after this (RFC 8899, 5.1.1: PMTU_RAISE_TIMER).</summary>
    public const int MtuRaise = 600_000;

    /// <summary>A path that lost even the smallest probe is probed again after this.</summary>
    public const int MtuError = 60_000;

    /// <summary>A path on which nothing at all is received is not probed for this long.</summary>
    public const int MtuSilence = 5_000;
}
