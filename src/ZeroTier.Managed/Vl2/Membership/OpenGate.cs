using ZeroTier.Managed.Vl1;
using ZeroTier.Managed.Vl2.Configuration;
using ZeroTier.Managed.Vl2.Rules;

namespace ZeroTier.Managed.Vl2.Membership;

/// <summary>The gate of ad-hoc networks: every node is a member, and there are no credentials (docs/protocol/3-vl2.md 3.10).</summary>
internal sealed class OpenGate : IMembershipGate
{
    public static OpenGate Instance { get; } = new();

    public IEnumerable<NodeId> Known => [];

    public Admission Admit(NetworkConfiguration configuration, Peer peer, out IMemberCredentials? shown)
    {
        shown = null;
        return Admission.Admitted;
    }

    public bool ShouldAsk(NodeId node) => false;

    public bool IsMember(NetworkConfiguration configuration, Peer peer) => true;

    public IMemberCredentials? Find(NetworkConfiguration configuration, NodeId member) => null;

    public NodeId? OwnerOf(NetworkConfiguration configuration, in IpAddress address) => null;

    public void BeforeSend(NetworkConfiguration configuration, NodeId member)
    {
    }

    public void OnCredentialsRequested(NetworkConfiguration configuration, Peer peer)
    {
    }

    public void OnTick(NetworkConfiguration configuration, long now)
    {
    }
}
