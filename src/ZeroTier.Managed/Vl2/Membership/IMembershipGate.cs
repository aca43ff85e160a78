using ZeroTier.Managed.Vl1;
using ZeroTier.Managed.Vl2.Configuration;
using ZeroTier.Managed.Vl2.Rules;

namespace ZeroTier.Managed.Vl2.Membership;

/// <summary>
/// Decides which nodes may exchange frames with us on a network, and keeps the credentials that they have presented
/// (docs/protocol/3-vl2.md 3.5.8, 3.5.9). Used for every frame, before the rules. Thread-safe; methods are called without locks, and must
/// not block or throw.
/// </summary>
internal interface IMembershipGate
{
    /// <summary>Whether a frame of this peer is accepted. Allocates nothing when it is.</summary>
    /// <param name="configuration">The configuration in force.</param>
    /// <param name="peer">The sender, authenticated by VL1.</param>
    /// <param name="shown">Its credentials, for the rules; null when it has presented none.</param>
    Admission Admit(NetworkConfiguration configuration, Peer peer, out IMemberCredentials? shown);

    /// <summary>
    /// Whether a node may be asked for its credentials now: each node at most once a second, and a limited number of nodes.
    /// </summary>
    bool ShouldAsk(NodeId node);

    /// <summary>
    /// Whether a peer is known to be a member; used for its multicast subscriptions, because of which no credentials are requested.
    /// Allocates nothing.
    /// </summary>
    bool IsMember(NetworkConfiguration configuration, Peer peer);

    /// <summary>The credentials that a member has presented, for frames to it; null when there are none. Allocates nothing.</summary>
    IMemberCredentials? Find(NetworkConfiguration configuration, NodeId member);

    /// <summary>Nodes that have presented a certificate of membership.</summary>
    IEnumerable<NodeId> Known { get; }

    /// <summary>The member whose certificate of ownership contains an address; null when there is none. Allocates nothing.</summary>
    NodeId? OwnerOf(NetworkConfiguration configuration, in IpAddress address);

    /// <summary>Called before a frame is sent to a member: presents our credentials to it if that is due.</summary>
    void BeforeSend(NetworkConfiguration configuration, NodeId member);

    /// <summary>A peer has refused a frame of ours because it does not have our certificate (ERROR 0x06).</summary>
    void OnCredentialsRequested(NetworkConfiguration configuration, Peer peer);

    /// <summary>VL1's control tick, every 500 ms, once there is a configuration.</summary>
    void OnTick(NetworkConfiguration configuration, long now);
}

/// <summary>The gate's decision about a received frame.</summary>
internal enum Admission
{
    /// <summary>Its sender is not known to be a member: VL1 keeps the frame for up to 5 s, until credentials arrive.</summary>
    Hold,

    /// <summary>As <see cref="Hold"/>, and the sender is asked for its credentials (ERROR 0x06).</summary>
    HoldAndAsk,

    /// <summary>It is accepted; the rules are applied next.</summary>
    Admitted,
}
