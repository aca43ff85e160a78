namespace ZeroTier.Managed.Vl1.Control;

/// <summary>
/// The layer above: networks and frames. All calls come without this layer's lock held, except where noted, from delivering threads,
/// from the control timer, or from a thread that is sending. They must not block and must not throw.
/// </summary>
internal interface IVl1Client
{
    /// <summary>
    /// An authenticated, decrypted and decompressed packet that concerns networks: FRAME, EXT_FRAME, NETWORK_*, MULTICAST_*, USER_MESSAGE,
    /// and every ERROR and every expected OK that answers one of these (the payload then begins with the verb answered). Several threads
    /// may call at once.
    /// </summary>
    /// <param name="peer">Who sent it.</param>
    /// <param name="verb">What it is.</param>
    /// <param name="info">How it came; quote it in replies.</param>
    /// <param name="payload">The bytes after the verb byte. Valid only during the call.</param>
    PacketResult OnPacket(Peer peer, Verb verb, in PacketInfo info, ReadOnlySpan<byte> payload);

    /// <summary>All packets at hand have been delivered: the time to flush what they caused.</summary>
    void OnBatchEnd();

    /// <summary>
    /// The control tick, every <see cref="Vl1Timing.Tick"/> ms from the start on: the time for what must be done without a packet.
    /// </summary>
    /// <param name="now">Milliseconds since the node was made.</param>
    void OnTick(long now);

    /// <summary>
    /// The node went online or offline. Calls of different threads may overtake each other: <see cref="Vl1Node.IsOnline"/> has the state.
    /// </summary>
    void OnOnlineChanged(bool online);

    /// <summary>Something about a peer changed.</summary>
    void OnPeerChanged(Peer peer, PeerChange change);

    /// <summary>
    /// A peer was heard after <see cref="Vl1Timing.Silence"/> or more: its path may have recovered just now. Does nothing by default.
    /// </summary>
    void OnPeerHeard(Peer peer)
    {
    }

    /// <summary>
    /// A member of our networks said HELLO. A node that starts sends HELLO to the peers of its cache; such a HELLO looks the same as the
    /// one that each node sends once a minute. At most once in <see cref="Vl1Timing.HelloNotice"/> for each peer. Does nothing by default.
    /// </summary>
    void OnPeerGreeted(Peer peer)
    {
    }

    /// <summary>A root reports that another identity holds our address: this identity can no longer be used.</summary>
    void OnIdentityCollision();

    /// <summary>Another node that runs now has our identity.</summary>
    /// <param name="endPoint">Where a root sees it.</param>
    void OnTwin(in InetEndPoint endPoint);

    /// <summary>A root handed out a newer planet: it should be stored.</summary>
    void OnPlanetUpdated(Planet planet);

    /// <summary>A moon's definition has arrived, or a newer one: it should be stored. Does nothing by default.</summary>
    void OnMoonUpdated(Moon moon)
    {
    }

    /// <summary>The round trip to a peer over a direct path was measured. Does nothing by default.</summary>
    void OnRoundTrip(int milliseconds)
    {
    }

    /// <summary>
    /// True when the address lies in a range assigned on a joined network: such addresses are never used for paths (docs/protocol/2-vl1.md
    /// 2.13.1). Called with the control lock held: must not take locks that are held while calling this layer.
    /// </summary>
    bool IsVirtualAddress(in InetEndPoint endPoint);
}

/// <summary>What the layer above made of a packet.</summary>
internal enum PacketResult
{
    /// <summary>Not for it. VL1 may still answer as the protocol wants.</summary>
    Ignored,

    /// <summary>Taken.</summary>
    Accepted,

    /// <summary>Taken, and it proved that the sender shares a network with us: we may tell it our addresses (2.12.2).</summary>
    Trusted,

    /// <summary>
    /// Cannot be judged yet: keep it, and offer it again for up to 5 s whenever an identity arrives or <see cref="Vl1Node.RetryHeld"/> is
    /// called.
    /// </summary>
    Hold,
}
