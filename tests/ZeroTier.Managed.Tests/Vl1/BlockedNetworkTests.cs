using System.Net;
using ZeroTier.Managed.Vl1;

namespace ZeroTier.Managed.Tests.Vl1;

/// <summary>Physical networks that a node never uses.</summary>
public sealed class BlockedNetworkTests
{
    [Fact]
    public void Nothing_is_sent_to_a_blocked_network_and_its_node_is_reached_through_the_root()
    {
        using var net = new Vl1Simulation();
        var planet = net.CreatePlanet("10.0.0.1");
        net.Add(0, planet, "10.0.0.1");
        var blocking = net.Add(1, planet, "10.0.1.2", node => node.Blocked = [IPNetwork.Parse("10.9.0.0/16")]);
        var blocked = net.Add(2, planet, "10.9.0.3");
        int sent = 0;
        net.Network.Capture = (in datagram) => sent += datagram.Source == Vl1Simulation.EndPoint("10.0.1.2")
            && datagram.Destination.HasSameAddress(Vl1Simulation.EndPoint("10.9.0.3")) ? 1 : 0;
        net.Advance(2);
        for (int i = 0; i < 40; i++)
        {
            blocking.SendFrame(blocked, (byte)i);
            blocked.SendFrame(blocking, (byte)i);
            net.Advance(1);
        }

        Assert.Equal(0, sent);
        Assert.Equal(40, blocked.Client.Frames.Count());
        Assert.Equal(40, blocking.Client.Frames.Count());
        Assert.All(blocking.Client.Packets.Where(packet => packet.Verb == Verb.Frame), packet => Assert.Equal(1, packet.Info.Hops));
        Assert.True(blocking.Node.Drops[DropReason.Address] > 0, "the blocked node never tried");
    }

    [Fact]
    public void A_root_in_a_blocked_network_is_not_spoken_to()
    {
        using var net = new Vl1Simulation();
        var planet = net.CreatePlanet("10.9.0.1");
        net.Add(0, planet, "10.9.0.1");
        var leaf = net.Add(1, planet, "10.0.1.2", node => node.Blocked = [IPNetwork.Parse("10.9.0.0/16")]);
        net.Advance(30);
        Assert.Equal(0, leaf.Node.Traffic.DatagramsSent);
        Assert.False(leaf.Node.IsOnline);
    }

    [Fact]
    public void A_root_is_spoken_to_where_a_virtual_network_has_the_same_range()
    {
        using var net = new Vl1Simulation();
        var planet = net.CreatePlanet("10.0.0.1");
        net.Add(0, planet, "10.0.0.1");
        var leaf = net.Add(1, planet, "10.0.1.2");
        leaf.Client.Virtual = endPoint => endPoint.HasSameAddress(Vl1Simulation.EndPoint("10.0.0.1"));
        net.Advance(30);
        Assert.True(leaf.Node.IsOnline);
    }

    [Theory]
    [InlineData("10.0.0.0/8", "10.255.0.1", true)]
    [InlineData("10.0.0.0/8", "11.0.0.1", false)]
    [InlineData("0.0.0.0/0", "203.0.113.9", true)]
    [InlineData("0.0.0.0/0", "2001:db8::1", false)]
    [InlineData("2001:db8::/33", "2001:db8:7fff::1", true)]
    [InlineData("2001:db8::/33", "2001:db8:8000::1", false)]
    [InlineData("192.0.2.7/32", "192.0.2.7", true)]
    [InlineData("192.0.2.7/32", "192.0.2.6", false)]
    public void Blocks_contain_the_addresses_of_their_prefix(string network, string address, bool contained) =>
        Assert.Equal(contained, new AddressBlocks([IPNetwork.Parse(network)]).Contains(Vl1Simulation.EndPoint(address)));
}
