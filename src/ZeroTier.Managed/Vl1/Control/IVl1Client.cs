namespace ZeroTier.Managed.Vl1.Control;

/// <summary>
/// The layer above (VL2): networks and frames. Unless noted otherwise, its methods are called without VL1's lock, on receive threads, on
/// the control timer's thread or on a thread that is sending. They must not block and must not throw.
/// </summary>
internal interface IVl1Client
{
    /// <summary>
    /// An authenticated, decrypted and decompressed packet that concerns networks: FRAME, EXT_FRAME, NETWORK_*, MULTICAST_*, USER_MESSAGE,
    /// and every ERROR and every expected OK that answers one of these (the payload then begins with the verb answered). Several threads
    /// may call at the same time.
    /// </summary>
    /// <param name="peer">The sender.</param>
    /// <param name="verb">The packet's verb.</param>
    /// <param name="info">Source, packet ID and other facts of reception; needed to reply.</param>
    /// <param name="payload">The bytes after the verb byte. Valid only during the call.</param>
    PacketResult OnPacket(Peer peer, Verb verb, in PacketInfo info, ReadOnlySpan<byte> payload);

    /// <summary>Called after the last packet of a received batch: the time to send what the packets caused.</summary>
    void OnBatchEnd();

    /// <summary>
    /// The control tick, every <see cref="Vl1Timing.Tick"/> ms from the start on, for timers and other periodic work.
    /// </summary>
    /// <param name="now">Milliseconds since the node was created.</param>
    void OnTick(long now);

    /// <summary>
    /// The node went online or offline. Calls on different threads may arrive out of order; <see cref="Vl1Node.IsOnline"/> has the current
    /// state.
    /// </summary>
    void OnOnlineChanged(bool online);

    /// <summary>A peer was added or removed, or its path or other state changed.</summary>
    void OnPeerChanged(Peer peer, PeerChange change);

    /// <summary>
    /// Something was received from a peer after a silence of <see cref="Vl1Timing.Silence"/> or more, so its path may have recovered. Does
    /// nothing by default.
    /// </summary>
    void OnPeerHeard(Peer peer)
    {
    }

    /// <summary>
    /// A member of our networks has sent HELLO, so it may have restarted: a node that starts sends HELLO to the peers in its cache. That
    /// HELLO cannot be told from those that every node sends once a minute. Called at most once in <see cref="Vl1Timing.HelloNotice"/> for
    /// each peer. Does nothing by default.
    /// </summary>
    void OnPeerGreeted(Peer peer)
    {
    }

    /// <summary>A root reports that another identity holds our address: this identity can no longer be used.</summary>
    void OnIdentityCollision();

    /// <summary>Another running node uses our identity.</summary>
    /// <param name="endPoint">The endpoint at which a root sees it.</param>
    void OnTwin(in InetEndPoint endPoint);

    /// <summary>A root has sent a newer planet, which should be stored.</summary>
    void OnPlanetUpdated(Planet planet);

    /// <summary>The definition of a moon, or a newer one, has arrived and should be stored. Does nothing by default.</summary>
    void OnMoonUpdated(Moon moon)
    {
    }

    /// <summary>The round-trip time to a peer over a direct path was measured. Does nothing by default.</summary>
    void OnRoundTrip(int milliseconds)
    {
    }

    /// <summary>
    /// True when the address lies in a range assigned on a joined network: such addresses are never used for paths (docs/protocol/2-vl1.md
    /// 2.13.1). Called with the control lock held: must not take locks that are held while calling this layer.
    /// </summary>
    bool IsVirtualAddress(in InetEndPoint endPoint);
}

/// <summary>How the layer above has handled a packet.</summary>
internal enum PacketResult
{
    /// <summary>Not handled. VL1 may still answer as the protocol requires.</summary>
    Ignored,

    /// <summary>Handled.</summary>
    Accepted,

    /// <summary>Handled, and proof that the sender shares a network with us: we may send it our physical addresses (2.12.2).</summary>
    Trusted,

    /// <summary>
    /// Cannot be decided yet, for example because credentials are missing: VL1 keeps the packet and delivers it again, for up to 5 s,
    /// whenever an identity arrives or <see cref="Vl1Node.RetryHeld"/> is called.
    /// </summary>
    Hold,
}
