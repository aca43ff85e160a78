using System.Net;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Tests.Fakes;

/// <summary>
/// One network inside the test process. Its nodes reach each other through paired pipes; faults are injected node by node.
/// </summary>
internal sealed class FakeNetwork
{
    public static readonly NetworkId DefaultId = NetworkId.Parse("8056c2e21c000001");

    private readonly Lock _gate = new();
    private readonly List<FakeNode> _nodes = [];

    public NetworkId Id { get; init; } = DefaultId;

    /// <summary>Whether a member's network is ready as soon as it joins.</summary>
    public bool ReadyOnJoin { get; set; } = true;

    public bool GiveIPv4 { get; init; } = true;

    public FakeNode CreateNode()
    {
        lock (_gate)
        {
            var node = new FakeNode(this, new NodeId(0xaa00000000UL + (ulong)_nodes.Count + 1), _nodes.Count + 1);
            _nodes.Add(node);
            return node;
        }
    }

    public IReadOnlyList<IPNetworkAddress> AddressesOf(NodeId node, int number)
    {
        var six = new IPNetworkAddress(Id.GetSixPlaneAddress(node), 40);
        return GiveIPv4 ? [new IPNetworkAddress(IPAddress.Parse($"10.147.17.{number}"), 24), six] : [six];
    }

    /// <summary>The listener that an address and port lead to.</summary>
    public FakeListener? Find(IPAddress address, int port)
    {
        lock (_gate)
        {
            return _nodes.Select(node => node.FindListener(address, port)).FirstOrDefault(listener => listener is not null);
        }
    }
}
