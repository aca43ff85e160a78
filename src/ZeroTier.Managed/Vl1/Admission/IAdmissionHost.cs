
namespace ZeroTier.Managed.Vl1.Admission;

/// <summary>What <see cref="IdentityAdmission"/> needs of the node. Called without its lock.</summary>
internal interface IAdmissionHost
{
    /// <summary>The peer that has this address already.</summary>
    Peer? FindPeer(NodeId id);

    /// <summary>Whether the peer cache has this identity, whose proof of work was therefore checked before.</summary>
    bool IsCached(NodeIdentity identity);

    /// <summary>Sends a HELLO with the packet ID <see cref="Newcomer.Challenge"/> to the source address of the newcomer's HELLO.</summary>
    void SendChallenge(Newcomer newcomer);

    /// <summary>Turns the newcomer into a peer and answers its HELLO. Takes over its keys.</summary>
    void Admit(Newcomer newcomer);

    /// <summary>Handles a HELLO whose sender became a peer while the HELLO was queued.</summary>
    void OnHelloOfPeer(Peer peer, in HelloMessage hello, Span<byte> packet, in PacketInfo info);

    /// <summary>Tells a node that another identity has its address.</summary>
    void OnCollision(Newcomer newcomer);

    /// <summary>A check ended with an exception.</summary>
    void OnFailed(Exception exception);
}
