using System.Net;
using ZeroTier.Libzt.Sockets;

namespace ZeroTier.Libzt.Tests.Sockets;

/// <summary>What needs no loop.</summary>
public sealed class SmallPartsTests
{
    private static readonly NetworkId Network = NetworkId.Parse("8056c2e21c000001");

    [Fact]
    public void Claimed_node_own_forms_name_the_node()
    {
        var node = NodeId.Parse("336218b99e");

        Assert.Equal(node, NodeByAddress.NodeOf(Network, Network.GetSixPlaneAddress(node)));
        Assert.Equal(node, NodeByAddress.NodeOf(Network, Network.GetRfc4193Address(node)));
    }

    [Fact]
    public void Claimed_node_anything_else_names_nobody()
    {
        var node = NodeId.Parse("336218b99e");
        var other = NetworkId.Parse("8056c2e21c000002");
        byte[] member = Network.GetSixPlaneAddress(node).GetAddressBytes();
        member[15] = 2;

        Assert.Null(NodeByAddress.NodeOf(Network, IPAddress.Parse("10.1.2.3")));
        Assert.Null(NodeByAddress.NodeOf(Network, IPAddress.Parse("::ffff:10.1.2.3")));
        Assert.Null(NodeByAddress.NodeOf(Network, IPAddress.Parse("fe80::1")));
        Assert.Null(NodeByAddress.NodeOf(Network, other.GetSixPlaneAddress(node)));
        Assert.Null(NodeByAddress.NodeOf(Network, other.GetRfc4193Address(node)));
        Assert.Null(NodeByAddress.NodeOf(Network, new IPAddress(member)));
        Assert.Null(NodeByAddress.NodeOf(Network, Network.GetSixPlaneAddress(new NodeId(0xff00000001))));
    }

    [Fact]
    public void Network_view_source_is_the_address_on_the_same_link()
    {
        var view = new NetworkView(
            Network, [new IPNetworkAddress(IPAddress.Parse("10.1.2.3"), 24), new IPNetworkAddress(IPAddress.Parse("fd00::1"), 64)]);

        Assert.Equal(IPAddress.Parse("10.1.2.3"), view.SourceFor(IPAddress.Parse("10.1.2.200")));
        Assert.Equal(IPAddress.Parse("fd00::1"), view.SourceFor(IPAddress.Parse("fd00::77")));
        Assert.Null(view.SourceFor(IPAddress.Parse("10.1.3.1")));
        Assert.Null(view.SourceFor(IPAddress.Parse("fd01::1")));
    }

    [Fact]
    public void Work_queue_wakes_once_per_sleep_and_keeps_the_order()
    {
        int wakes = 0;
        var queue = new WorkQueue(() => wakes++);
        var ran = new List<int>();
        void Add(int n) => queue.Schedule(state => ran.Add((int)state!), n);

        Add(1);
        Assert.Equal(0, wakes);
        Assert.False(queue.TrySleep());
        queue.Run((_, e) => throw e);
        Assert.True(queue.TrySleep());
        for (int i = 2; i < 200; i++)
        {
            Add(i);
        }

        Assert.Equal(1, wakes);
        queue.Awake();
        Add(200);
        queue.Run((_, e) => throw e);

        Assert.Equal(1, wakes);
        Assert.Equal(Enumerable.Range(1, 200), ran);
    }

    [Fact]
    public void Work_queue_error_in_one_item_does_not_stop_the_next()
    {
        var queue = new WorkQueue(() => { });
        var errors = new List<Exception>();
        bool ran = false;
        queue.Schedule(_ => throw new InvalidOperationException("One fails."), null);
        queue.Schedule(_ => ran = true, null);

        queue.Run((_, e) => errors.Add(e));

        Assert.True(ran);
        Assert.Single(errors);
    }

    [Fact]
    public void Work_queue_after_its_end_runs_at_once()
    {
        var queue = new WorkQueue(() => { });
        queue.Schedule(_ => { }, null);
        Assert.False(queue.TryEnd());
        queue.Run((_, e) => throw e);
        Assert.True(queue.TryEnd());
        bool ran = false;

        queue.Schedule(_ => ran = true, null);

        Assert.True(ran);
    }
}
