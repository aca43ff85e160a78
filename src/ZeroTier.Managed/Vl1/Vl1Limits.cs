namespace ZeroTier.Managed.Vl1;

/// <summary>The bounds of every table and queue of this layer (chapter 2.19, 2.20; where the chapter has none, ours).</summary>
internal static class Vl1Limits
{
    /// <summary>Peers in memory. A full table evicts the leaf that was silent longest, if it was silent for <see cref="Vl1Timing.EvictableAfter"/>.</summary>
    public const int Peers = 16_384;

    /// <summary>Forgotten peers whose identity and addresses are still remembered.</summary>
    public const int RememberedPeers = 16_384;

    /// <summary>Endpoints kept with a remembered peer.</summary>
    public const int RememberedEndPoints = 8;

    /// <summary>Paths of one peer. A full set replaces the path that was silent longest.</summary>
    public const int PathsPerPeer = 16;

    /// <summary>Places tried for a peer within <see cref="Vl1Timing.ConfirmInterval"/>, so that forged sources cannot make us a reflector.</summary>
    public const int ConfirmationsPerPeer = 8;

    /// <summary>Packets under reassembly.</summary>
    public const int ReassemblySlots = 32;

    /// <summary>Packets under reassembly from one endpoint; a further one replaces that endpoint's oldest.</summary>
    public const int ReassemblySlotsPerSource = 16;

    /// <summary>Received packets that wait for an identity or for credentials.</summary>
    public const int ParkedPackets = 32;

    /// <summary>Parked packets with one source address; a further one replaces that source's oldest.</summary>
    public const int ParkedPacketsPerSource = 8;

    /// <summary>Packets that wait for an identity or a path before they are sent.</summary>
    public const int QueuedPackets = 256;

    /// <summary>Queued packets to one destination; a further one replaces that destination's oldest.</summary>
    public const int QueuedPacketsPerDestination = 32;

    /// <summary>Addresses looked up at one time.</summary>
    public const int PendingWhois = 128;

    /// <summary>Of these, addresses looked up because of packets that anybody can send: they must not keep us from looking up whom we want to reach.</summary>
    public const int PendingWhoisForStrangers = 64;

    /// <summary>Bytes sent for each byte received from a place that has not proven to be the peer's, so that forged sources gain little (as RFC 9000, 8).</summary>
    public const int Amplification = 3;

    /// <summary>Introductions that wait for an identity.</summary>
    public const int PendingIntroductions = 32;

    /// <summary>Pairs remembered as introduced.</summary>
    public const int IntroducedPairs = 8_192;

    /// <summary>Reports of our external addresses.</summary>
    public const int SurfaceReports = 256;

    /// <summary>Endpoints that we push to a peer.</summary>
    public const int PushedEndPoints = 32;

    /// <summary>Endpoints of one push that are tried, per scope and family (chapter 2.6.13).</summary>
    public const int TriedPerScope = 8;

    /// <summary>Pushes without a pause that are processed (chapter 2.6.13).</summary>
    public const int PushesInARow = 8;

    /// <summary>Addresses answered in one WHOIS.</summary>
    public const int WhoisAddresses = 128;

    /// <summary>Nodes that the layer above may ask to keep in touch with.</summary>
    public const int Anchors = 64;

    /// <summary>Multicast subscriptions that a root stores.</summary>
    public const int MulticastMembers = 65_536;

    /// <summary>Multicast subscriptions of one node that a root stores.</summary>
    public const int MulticastGroupsPerMember = 512;

    /// <summary>Identities of unknown nodes that may be agreed with in a burst; then <see cref="AgreementsPerSecond"/>.</summary>
    public const int AgreementBurst = 256;

    /// <summary>Key agreements per second with nodes that nobody vouches for.</summary>
    public const int AgreementsPerSecond = 128;

    /// <summary>Remembered peers that are brought back in a burst because of packets that anybody can send; then <see cref="RecallsPerSecond"/>.</summary>
    public const int RecallBurst = 256;

    /// <summary>Remembered peers brought back per second: a root that knows many has them all back within a minute after its restart.</summary>
    public const int RecallsPerSecond = 256;

    /// <summary>Proof-of-work checks in a burst; then <see cref="ProofsPerSecond"/>.</summary>
    public const int ProofBurst = 64;

    /// <summary>Proof-of-work checks per second, each some milliseconds of one core.</summary>
    public const int ProofsPerSecond = 16;

    /// <summary>Roots of a planet (chapter 2.8.1).</summary>
    public const int Roots = 4;

    /// <summary>Endpoints of a root (chapter 2.8.1).</summary>
    public const int EndPointsPerRoot = 32;

    /// <summary>Idle batch buffers kept by a node.</summary>
    public const int IdleBatches = 16;

    /// <summary>So many ECHOs over a path in use, one per probe interval and without any sign of the peer, and packets go through a root instead.</summary>
    public const int UnansweredPathProbes = 2;

    /// <summary>Remembered peers that are told at the start where we are now.</summary>
    public const int GreetedAtStart = 32;
}
