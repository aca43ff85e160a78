namespace ZeroTier.Managed.Vl1.Limits;

/// <summary>
/// The limits of every table and queue of VL1: those of docs/protocol/2-vl1.md 2.19 and 2.20, and our own where these name none.
/// </summary>
internal static class Vl1Limits
{
    /// <summary>
    /// Peers in memory. A full table evicts the leaf that was silent longest, if it was silent for <see cref="Vl1Timing.EvictableAfter"/>.
    /// </summary>
    public const int Peers = 16_384;

    /// <summary>Evicted peers whose identity and endpoints stay in the peer cache.</summary>
    public const int CachedPeers = 16_384;

    /// <summary>Endpoints kept with a cached peer.</summary>
    public const int CachedEndPoints = 8;

    /// <summary>Paths of one peer. A full set replaces the path that was silent longest.</summary>
    public const int PathsPerPeer = 16;

    /// <summary>
    /// Unvalidated endpoints tracked per peer; an entry may be evicted when nothing was received from it for
    /// <see cref="Vl1Timing.ConfirmInterval"/>.
    /// </summary>
    public const int UnprovenPlacesPerPeer = 32;

    /// <summary>Largest anti-amplification credit of a peer, or of an unvalidated endpoint, in bytes.</summary>
    public const int UnprovenCredit = 16_384;

    /// <summary>Tables of packets under reassembly.</summary>
    public const int ReassemblyTables = 8;

    /// <summary>Packets under reassembly in one table.</summary>
    public const int ReassemblySlots = 16;

    /// <summary>Those of one endpoint in one table; a further one replaces that endpoint's oldest.</summary>
    public const int ReassemblySlotsPerSource = 8;

    /// <summary>Received packets that wait for an identity or for credentials.</summary>
    public const int WaitingPackets = 32;

    /// <summary>Waiting packets with one source address; a further one replaces that source's oldest.</summary>
    public const int WaitingPacketsPerSource = 8;

    /// <summary>Packets that wait for an identity or a path before they are sent.</summary>
    public const int QueuedPackets = 256;

    /// <summary>Queued packets to one destination; a further one replaces that destination's oldest.</summary>
    public const int QueuedPacketsPerDestination = 32;

    /// <summary>Addresses looked up by WHOIS at one time.</summary>
    public const int PendingWhois = 128;

    /// <summary>
    /// Of these, look-ups caused by unauthenticated packets, so that such packets cannot keep us from looking up nodes that we want to
    /// reach.
    /// </summary>
    public const int PendingWhoisForStrangers = 64;

    /// <summary>
    /// Bytes sent to an unvalidated endpoint for each byte received from it: limits amplification with forged sources (RFC 9000, 8, which
    /// allows 3).
    /// </summary>
    public const int Amplification = 2;

    /// <summary>Introductions that wait for an identity.</summary>
    public const int PendingIntroductions = 32;

    /// <summary>Pairs recorded as introduced.</summary>
    public const int IntroducedPairs = 8_192;

    /// <summary>Reports of our external addresses.</summary>
    public const int ExternalAddressReports = 256;

    /// <summary>Endpoints of ours that we send to a peer in PUSH_DIRECT_PATHS.</summary>
    public const int PushedEndPoints = 32;

    /// <summary>Endpoints of one push that are tried, per scope and family (2.6.13).</summary>
    public const int TriedPerScope = 8;

    /// <summary>PUSH_DIRECT_PATHS of one peer that are processed before a pause (2.6.13).</summary>
    public const int PushesInARow = 8;

    /// <summary>Addresses answered in one WHOIS.</summary>
    public const int WhoisAddresses = 128;

    /// <summary>Nodes to which the layer above may ask to keep a path, such as controllers.</summary>
    public const int Anchors = 64;

    /// <summary>Multicast subscriptions that a root stores.</summary>
    public const int MulticastMembers = 65_536;

    /// <summary>Multicast subscriptions of one node that a root stores.</summary>
    public const int MulticastGroupsPerMember = 512;

    /// <summary>HELLOs of unknown identities that wait for a key agreement; a further one replaces a random one.</summary>
    public const int WaitingHellos = 512;

    /// <summary>Longest HELLO of an unknown identity: one datagram.</summary>
    public const int LongestFirstHello = Fragments.Mtu;

    /// <summary>Newcomers that wait for the check of their proof of work; a further one replaces a random one.</summary>
    public const int WaitingProofs = 128;

    /// <summary>Newcomers whose source address is being validated; a further one replaces a random one.</summary>
    public const int ChallengedNewcomers = 2_048;

    /// <summary>Sustained share of one core for key agreements with unknown nodes: some thousands per second.</summary>
    public const double AgreementShare = 0.4;

    /// <summary>Sustained share of one core for checking proofs of work: some tens per second.</summary>
    public const double ProofShare = 0.4;

    /// <summary>Newcomers whose proof of work is checked without address validation. Others are challenged first.</summary>
    public static readonly TokenRate UnchallengedNewcomers = new(32, 8);

    /// <summary>Newcomers of one address prefix, after address validation.</summary>
    public static readonly TokenRate NewcomersPerPrefix = new(64, 32);

    /// <summary>Processor time that each kind of check may take at once.</summary>
    public static readonly TimeSpan AdmissionBurst = TimeSpan.FromMilliseconds(500);

    /// <summary>
    /// Peers restored from the cache because of unauthenticated packets, each a key agreement on the receiving thread: a small burst, but
    /// enough per second that a root has thousands of peers back within a minute of its restart.
    /// </summary>
    public static readonly TokenRate CacheRestores = new(32, 256);

    /// <summary>Roots of a planet (2.8.1).</summary>
    public const int Roots = 4;

    /// <summary>Moons that a node orbits or looks for.</summary>
    public const int Moons = 16;

    /// <summary>
    /// Ports above that of an introduction that are tried as well: a symmetric NAT may have mapped the peer's packets to us to one of them.
    /// </summary>
    public const int GuessedPorts = 8;

    /// <summary>Trusted paths: physical networks on which packets are sent without encryption.</summary>
    public const int TrustedPaths = 16;

    /// <summary>Endpoints of a root (2.8.1).</summary>
    public const int EndPointsPerRoot = 32;

    /// <summary>Unanswered ECHOs, one per probe interval, after which a path in use is abandoned and packets go through a root.</summary>
    public const int UnansweredPathProbes = 2;

    /// <summary>Cached peers that are sent HELLO at the start.</summary>
    public const int HellosAtStart = 32;

    /// <summary>Paths whose MTU is being probed at one time.</summary>
    public const int MtuProbes = 256;

    /// <summary>Endpoints at which roots have seen packets of ours.</summary>
    public const int OwnPlaces = 64;

    /// <summary>
    /// Peers that are sent a second HELLO after the start (<see cref="Vl1Timing.RepeatHellos"/>): cached ones, and those learned since.
    /// </summary>
    public const int RepeatedHellos = 128;
}
