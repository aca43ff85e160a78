using ZeroTier.Managed.Vl1;
using ZeroTier.Managed.Vl2.Configuration;
using ZeroTier.Managed.Vl2.Rules;

namespace ZeroTier.Managed.Vl2.Membership;

/// <summary>
/// Who may exchange frames with us on a network, and what each has shown of itself (docs/protocol/3-vl2.md 3.5.8, 3.5.9). Asked before the
/// rules, for every frame. Thread-safe; calls come without locks, must not block and must not throw.
/// </summary>
internal interface IMembershipGate
{
    /// <summary>Whether a frame of this peer may come in. Allocates nothing when it may.</summary>
    /// <param name="configuration">The configuration in force.</param>
    /// <param name="peer">The sender, as VL1 has proven.</param>
    /// <param name="shown">Its credentials for the rules; null when it has shown none.</param>
    Admission Admit(NetworkConfiguration configuration, Peer peer, out IMemberCredentials? shown);

    /// <summary>Whether a node may be asked for its credentials now: once a second, and of so many nodes at a time.</summary>
    bool ShouldAsk(NodeId node);

    /// <summary>
    /// Whether what a peer says about multicast groups counts. Nobody is asked for credentials because of it. Allocates nothing.
    /// </summary>
    bool IsMember(NetworkConfiguration configuration, Peer peer);

    /// <summary>What a member has shown of itself, for frames on their way to it; null when nothing. Allocates nothing.</summary>
    IMemberCredentials? Find(NetworkConfiguration configuration, NodeId member);

    /// <summary>Nodes that have shown a certificate of membership.</summary>
    IEnumerable<NodeId> Known { get; }

    /// <summary>The member whose certificate of ownership names an address; null where none does. Allocates nothing.</summary>
    NodeId? OwnerOf(NetworkConfiguration configuration, in IpAddress address);

    /// <summary>A frame is about to leave for a member: the moment to show it our credentials, if they are due.</summary>
    void BeforeSend(NetworkConfiguration configuration, NodeId member);

    /// <summary>A peer refused a frame of ours because it has no certificate of ours (ERROR 0x06).</summary>
    void OnCredentialsRequested(NetworkConfiguration configuration, Peer peer);

    /// <summary>VL1's control tick, every 500 ms, once there is a configuration.</summary>
    void OnTick(NetworkConfiguration configuration, long now);
}

/// <summary>What the gate says to a frame.</summary>
internal enum Admission
{
    /// <summary>Its sender is no member as far as we know: VL1 keeps the frame, up to 5 s, until credentials arrive.</summary>
    Hold,

    /// <summary>As <see cref="Hold"/>, and the sender is asked for its credentials (ERROR 0x06).</summary>
    HoldAndAsk,

    /// <summary>It may pass on to the rules.</summary>
    Admitted,
}
