using ZeroTier.Managed.Net;
using ZeroTier.Managed.Vl2.Controller;
using ZeroTier.Simulation;

namespace ZeroTier.Controller.Tests;

/// <summary>Who may use the multicast directory of a controller's node (docs/protocol/3-vl2.md 3.8.2, 3.8.3).</summary>
public class ServedMembersTests
{
    private static readonly NetworkId Network = new(0x1234567890_000001);
    private static readonly NetworkId Other = new(0x1234567890_000002);
    private static readonly NodeId Alice = new(0xabcdef0123);
    private static readonly NodeId Bob = new(0xabcdef0124);
    private static readonly MulticastGroup Group = new(new MacAddress(0xffffffffffff), 7);

    [Fact]
    public void A_configuration_gives_the_right_for_three_minutes_on_its_network_only()
    {
        var served = new ServedMembers();
        served.Add(Network, Alice, 1000);
        Assert.True(served.Contains(Network, Alice, 180_999));
        Assert.False(served.Contains(Network, Alice, 181_000));
        Assert.False(served.Contains(Other, Alice, 1000));
        Assert.False(served.Contains(Network, Bob, 1000));
    }

    [Fact]
    public void Who_is_put_out_loses_it_at_once()
    {
        var served = new ServedMembers();
        served.Add(Network, Alice, 0);
        served.Remove(Network, Alice);
        Assert.False(served.Contains(Network, Alice, 1));
    }

    [Fact]
    public void Who_is_put_out_is_not_named_to_others()
    {
        var served = new ServedMembers();
        served.Like(Network, Group, Alice, 0);
        served.Like(Network, Group, Bob, 0);
        served.Remove(Network, Alice);
        var picked = new List<NodeId>();
        Assert.Equal(1, served.Gather(Network, Group, new NodeId(5), 10, new SeededRandom(1), picked));
        Assert.Equal([Bob], picked);
    }

    [Fact]
    public void Listeners_are_found_per_network_without_the_asker()
    {
        var served = new ServedMembers();
        served.Like(Network, Group, Alice, 0);
        served.Like(Network, Group, Bob, 0);
        served.Like(Other, Group, new NodeId(5), 0);
        var picked = new List<NodeId>();
        Assert.Equal(2, served.Gather(Network, Group, Alice, 10, new SeededRandom(1), picked));
        Assert.Equal([Bob], picked);
        served.OnTick(700_000);
        Assert.Equal(0, served.Gather(Network, Group, Alice, 10, new SeededRandom(1), picked));
    }

    [Fact]
    public void A_network_whose_directory_is_full_takes_nothing_from_the_others()
    {
        var served = new ServedMembers();
        for (ulong i = 0; i < 65_536; i++)
        {
            served.Add(Network, new NodeId(1000 + i), 0);
            served.Like(Network, new MulticastGroup(new MacAddress(i % 256), 0), new NodeId(1000 + (i / 256)), 0);
        }

        served.Add(Other, Alice, 0);
        served.Like(Other, Group, Alice, 0);
        Assert.True(served.Contains(Other, Alice, 1));
        Assert.Equal(1, served.Gather(Other, Group, Bob, 10, new SeededRandom(1), []));
    }
}
