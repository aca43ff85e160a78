namespace ZeroTier.Managed.Vl1.RootService;

/// <summary>What a <see cref="RootServer"/> needs of the node when it does not know a destination. Called without the control lock.</summary>
internal interface IRootServiceHost
{
    /// <summary>The other root that may know a destination, and the path to it.</summary>
    (Peer Root, PeerPath Path)? Upstream { get; }

    /// <summary>Restores a peer from the cache because of an unauthenticated packet, at a limited rate.</summary>
    Peer? RestoreForStranger(NodeId id, in InetEndPoint source, int bytes);
}
