namespace ZeroTier.Managed.Vl1.Limits;

/// <summary>The intervals of this layer in milliseconds (docs/protocol/2-vl1.md 2.19).</summary>
internal static class Vl1Timing
{
    /// <summary>A time before every other.</summary>
    public const long Never = long.MinValue / 4;

    /// <summary>The control tick: queues and look-ups are retried, paths chosen again.</summary>
    public const int Tick = 500;

    /// <summary>Lifetime of queued and waiting packets and of incomplete reassemblies.</summary>
    public const int QueueLifetime = 5_000;

    /// <summary>Roots and active peers are looked after this often.</summary>
    public const int PingCheck = 5_000;

    /// <summary>Forgetting of peers, reports and subscriptions.</summary>
    public const int Housekeeping = 30_000;

    /// <summary>HELLO on all paths of active peers.</summary>
    public const int FullPing = 60_000;

    /// <summary>ECHO on a path when nothing was sent for so long.</summary>
    public const int Heartbeat = 14_000;

    /// <summary>ECHO on a path in use when nothing was received for so long, so that two may be lost before it counts as dead.</summary>
    public const int ReceiveHeartbeat = 9_000;

    /// <summary>A path is alive for so long after a packet.</summary>
    public const int PathAlive = 19_000;

    /// <summary>
    /// When, after the start, HELLO is repeated to peers that may have ignored our new port: one tick after their path to the old port has
    /// gone silent.
    /// </summary>
    public const int RepeatHellos = PathAlive + Tick;

    /// <summary>Between HELLOs to the former endpoints of a peer without a path, while packets wait for it.</summary>
    public const int FormerHello = 1_000;

    /// <summary>How often a root reports the other endpoints to a node that it hears from several.</summary>
    public const int OtherPlaces = 15_000;

    /// <summary>
    /// An endpoint from which a root received something within this time is current: more than the time between two keepalives of a leaf.
    /// </summary>
    public const int PlaceFresh = 7_500;

    /// <summary>How long after the start a reported other endpoint may be that of our own previous run.</summary>
    public const int TwinPatience = PathAlive + PlaceFresh;

    /// <summary>An endpoint of another node with our identity is forgotten when it is not reported again in this time.</summary>
    public const int TwinMemory = 60_000;

    /// <summary>A path is dropped after so long without an authenticated packet.</summary>
    public const int PathExpiry = 243_000;

    /// <summary>At most one probe of an unvalidated endpoint in this time.</summary>
    public const int ConfirmInterval = 1_000;

    /// <summary>A path in use that was silent for this long is probed with an ECHO, this often.</summary>
    public const int PathProbe = 500;

    /// <summary>A relayed packet does not cause revalidation of a path heard within this time: it may only have been overtaken.</summary>
    public const int PathFresh = 50;

    /// <summary>
    /// A path is watched for this long after the last frame: longer than the retransmission back-off of a sender that gets no answer.
    /// </summary>
    public const int PathWatched = 10_000;

    /// <summary>A relayed packet causes revalidation of direct paths at most this often.</summary>
    public const int RevalidationInterval = 2_000;

    /// <summary>Trust after an accepted frame or credential.</summary>
    public const int Trust = 600_000;

    /// <summary>A push of direct paths after a relayed packet.</summary>
    public const int PushRelayed = 15_000;

    /// <summary>A push of direct paths after a direct packet.</summary>
    public const int PushDirect = 120_000;

    /// <summary>A pause after which pushes are counted anew.</summary>
    public const int PushGateReset = 30_000;

    /// <summary>One introduction per pair.</summary>
    public const int Introduction = 30_000;

    /// <summary>Ports of a peer are guessed at most once in this time.</summary>
    public const int PortGuess = 10_000;

    /// <summary>A reported external address is believed for so long.</summary>
    public const int ExternalAddressReport = 600_000;

    /// <summary>A multicast subscription at a root.</summary>
    public const int MulticastLike = 600_000;

    /// <summary>One look-up per address.</summary>
    public const int Whois = 500;

    /// <summary>
    /// A look-up caused by an unauthenticated packet may be evicted by another one after this: time for two WHOIS, as the first may only
    /// make the root ask another root.
    /// </summary>
    public const int WhoisForStranger = 2 * Whois;

    /// <summary>WHOIS answered to a leaf by a leaf.</summary>
    public const int WhoisAnswer = 100;

    /// <summary>ECHO answered per path.</summary>
    public const int EchoAnswer = 166;

    /// <summary>NETWORK_CREDENTIALS accepted per peer.</summary>
    public const int Credentials = 1_000;

    /// <summary>At most one warning about identities that claim a known address, since any node can cause them.</summary>
    public const int CollisionWarning = 60_000;

    /// <summary>One answer to a LAN beacon.</summary>
    public const int BeaconAnswer = 2_500;

    /// <summary>One HELLO through the roots to a peer of unknown version, and to cached endpoints.</summary>
    public const int RelayedHello = 30_000;

    /// <summary>HELLO to the nodes that the layer above wants to keep in touch with, while they have no path.</summary>
    public const int AnchorHello = 28_000;

    /// <summary>Paths over which frames went in this time are kept open, whatever the peer sends.</summary>
    public const int PathInUse = 60_000;

    /// <summary>A root's score grows by its latency with every such time of silence (2.10.1).</summary>
    public const int RootSilenceStep = 61_000;

    /// <summary>A peer heard after this much silence may have been unreachable: longer than most retransmission timers.</summary>
    public const int Silence = 1_000;

    /// <summary>The layer above is notified of a peer's HELLO at most this often.</summary>
    public const int HelloNotice = 10_000;

    /// <summary>A leaf that was silent for so long may be evicted from a full table.</summary>
    public const int EvictableAfter = 60_000;

    /// <summary>Waiting for the answer to a probe of a path's size while no round trip is known (RFC 8899, 5.1.1: PROBE_TIMER).</summary>
    public const int MtuProbe = 1_000;

    /// <summary>Once it is known four round trips, but not less than this: a tick.</summary>
    public const int MtuProbeMin = Tick;

    /// <summary>And not more than this.</summary>
    public const int MtuProbeMax = 3_000;

    /// <summary>
    /// A path that carries large datagrams is asked this often whether they still pass (RFC 8899, 5.1.1: CONFIRMATION_TIMER).
    /// </summary>
    public const int MtuConfirm = 30_000;

    /// <summary>A path narrower than usual is probed again for more after this (RFC 8899, 5.1.1: PMTU_RAISE_TIMER).</summary>
    public const int MtuRaise = 600_000;

    /// <summary>A path that lost even the smallest probe is probed again after this.</summary>
    public const int MtuError = 60_000;

    /// <summary>A path on which nothing at all is heard is left alone for so long.</summary>
    public const int MtuSilence = 5_000;
}
