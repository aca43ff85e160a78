using System.Globalization;
using System.Net;
using System.Text.Json;
using ZeroTier.Managed.IpStack;
using ZeroTier.Managed.Vl2;

namespace ZeroTier.Managed.Tests.Vl2;

public class MemberAddressingTests
{
    [Fact]
    public void Mac_recorded_cases_match_both_ways()
    {
        foreach (var item in VectorFile.Json("vl2.json").GetProperty("mac").EnumerateArray())
        {
            var node = NodeId.Parse(item.GetProperty("address").GetString()!);
            var addressing = new MemberAddressing(Network(item));
            var mac = addressing.Mac(node);

            Assert.Equal(item.GetProperty("mac").GetString(), mac.ToString());
            Assert.Equal(item.GetProperty("first_octet").GetString(), addressing.FirstOctet.ToString("x2", CultureInfo.InvariantCulture));
            Assert.Equal(!node.IsReserved, addressing.TryGetNode(mac, out var back));
            Assert.Equal(node, back);
            Assert.False(addressing.TryGetNode(new MacAddress(mac.Value ^ 1UL << 42), out _));
        }
    }

    [Fact]
    public void Ipv6_addresses_recorded_cases_match_both_ways()
    {
        foreach (var item in VectorFile.Json("vl2.json").GetProperty("ipv6_derived").EnumerateArray())
        {
            var node = NodeId.Parse(item.GetProperty("address").GetString()!);
            var addressing = new MemberAddressing(Network(item));
            var sixPlane = addressing.SixPlane(node);
            var rfc4193 = addressing.Rfc4193(node);

            Assert.Equal(IPAddress.Parse(item.GetProperty("six_plane").GetString()!.Split('/')[0]), sixPlane.ToIPAddress());
            Assert.Equal(IPAddress.Parse(item.GetProperty("rfc4193").GetString()!.Split('/')[0]), rfc4193.ToIPAddress());
            Assert.True(addressing.TryGetSixPlaneNode(sixPlane, out var owner));
            Assert.Equal(node, owner);
            Assert.True(addressing.TryGetRfc4193Node(rfc4193, out owner));
            Assert.Equal(node, owner);
            Assert.False(addressing.TryGetSixPlaneNode(rfc4193, out _));
            Assert.False(addressing.TryGetRfc4193Node(sixPlane, out _));
        }
    }

    [Fact]
    public void Try_get_SixPlane_node_another_address_of_the_same_eighty_names_its_owner()
    {
        var addressing = new MemberAddressing(NetworkId.Parse("ff0000ffff000000"));
        var node = NodeId.Parse("63cc745077");

        Assert.True(addressing.TryGetSixPlaneNode(IpAddress.From(IPAddress.Parse("fc00:0:ff63:cc74:5077:1234:5678:9abc")), out var owner));
        Assert.Equal(node, owner);
    }

    [Fact]
    public void Link_local_known_mac_matches_the_documented_form()
    {
        var mac = new MacAddress(0x02_63_cc_8b_af_77);

        Assert.Equal(IPAddress.Parse("fe80::63:ccff:fe8b:af77"), MemberAddressing.LinkLocal(mac).ToIPAddress());
    }

    private static NetworkId Network(JsonElement item) => NetworkId.Parse(item.GetProperty("network_id").GetString()!);
}
