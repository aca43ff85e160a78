using System.Collections.Immutable;
using ZeroTier.Managed.Vl1;
using ZeroTier.Managed.Vl2.Configuration;
using ZeroTier.Managed.Vl2.Membership;
using ZeroTier.Managed.Vl2.Rules;

namespace ZeroTier.Managed.Tests.Vl2;

/// <summary>A gate that decides as the test says.</summary>
internal sealed class FakeGate : IMembershipGate
{
    public Admission Admission { get; set; } = Admission.Admitted;

    public IMemberCredentials? Shown { get; set; }

    /// <summary>To whom frames were sent.</summary>
    public List<NodeId> Sent { get; } = [];

    /// <summary>Who asked for our credentials.</summary>
    public List<NodeId> Requests { get; } = [];

    public List<long> Ticks { get; } = [];

    public Admission Admit(NetworkConfiguration configuration, Peer peer, out IMemberCredentials? shown)
    {
        shown = Shown;
        return Admission;
    }

    /// <summary>Who would be asked for credentials.</summary>
    public List<NodeId> Asked { get; } = [];

    public bool ShouldAsk(NodeId node)
    {
        Asked.Add(node);
        return true;
    }

    public bool IsMember(NetworkConfiguration configuration, Peer peer) => Admission == Admission.Admitted;

    public IEnumerable<NodeId> Known => [];

    /// <summary>Which member has shown a certificate for an address.</summary>
    public Func<IpAddress, NodeId?> Owner { get; set; } = _ => null;

    public NodeId? OwnerOf(NetworkConfiguration configuration, in IpAddress address) => Owner(address);

    public IMemberCredentials? Find(NetworkConfiguration configuration, NodeId member) => Shown;

    public void BeforeSend(NetworkConfiguration configuration, NodeId member) => Sent.Add(member);

    public void OnCredentialsRequested(NetworkConfiguration configuration, Peer peer) => Requests.Add(peer.Id);

    public void OnTick(NetworkConfiguration configuration, long now) => Ticks.Add(now);
}

/// <summary>Somebody's credentials.</summary>
internal sealed class FakeCredentials : IMemberCredentials
{
    public bool StatesOwnership { get; init; }

    public ImmutableArray<RuleTable> Capabilities => [];

    public bool TryGetTag(uint id, out uint value)
    {
        value = id;
        return true;
    }

    public bool Owns(in IpAddress address) => false;

    public bool Owns(MacAddress address) => false;
}
