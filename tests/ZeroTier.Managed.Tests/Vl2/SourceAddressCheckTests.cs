using System.Net;
using ZeroTier.Managed.Vl2;
using ZeroTier.Managed.Vl2.Configuration;
using ZeroTier.Managed.Vl2.Rules;

namespace ZeroTier.Managed.Tests.Vl2;

/// <summary>docs/protocol/3-vl2.md 3.17, points 5 and 7: a member speaks for itself only.</summary>
public class SourceAddressCheckTests
{
    private const string Mine = "fc00:0:ff63:cc74:5077::1";
    private const string Theirs = "fc00:0:ff02:6800:cc7f::1";
    private static readonly NetworkId AdHoc = NetworkId.Parse("ff0000ffff000000");
    private static readonly NodeId Sender = NodeId.Parse("63cc745077");
    private static readonly MacAddress SenderMac = new MemberAddressing(AdHoc).Mac(Sender);
    private static readonly MacAddress OtherMac = new MemberAddressing(AdHoc).Mac(NodeId.Parse("026800cc7f"));

    [Theory]
    [InlineData("fc00:0:ff63:cc74:5077::1", true)]
    [InlineData("fc00:0:ff63:cc74:5077:1:2:3", true)]
    [InlineData("fdff:0:ffff:0:99:9363:cc74:5077", true)]
    [InlineData("fe80::63:ccff:fe8b:af77", true)]
    [InlineData("::", true)]
    [InlineData("fc00:0:ff02:6800:cc7f::1", false)]
    [InlineData("fdff:0:ffff:0:99:9302:6800:cc7f", false)]
    [InlineData("fe80::63:ccff:fe8b:af78", false)]
    [InlineData("fe80:1::63:ccff:fe8b:af77", false)]
    [InlineData("2001:db8::1", false)]
    [InlineData("::1", false)]
    [InlineData("ff02::1", false)]
    public void Is_honest_IPv6_source_is_true_for_the_senders_addresses_only(string source, bool expected) =>
        Assert.Equal(expected, IsHonest(AdHoc, EtherTypes.IPv6, Ipv6(source, 59, [])));

    [Theory]
    [InlineData("10.147.17.5")]
    [InlineData("0.0.0.0")]
    public void Is_honest_IPv4_source_on_an_ad_hoc_network_without_an_IPv4_address_is_false(string source)
    {
        byte[] packet = new byte[20];
        packet[0] = 0x45;
        IPAddress.Parse(source).GetAddressBytes().CopyTo(packet, 12);

        Assert.False(IsHonest(AdHoc, EtherTypes.IPv4, packet));
    }

    [Theory]
    [InlineData("10.147.17.5", false)]
    [InlineData("0.0.0.0", true)]
    public void Is_honest_arp_probe_claims_nothing_and_an_address_on_an_ad_hoc_network_without_an_IPv4_address_is_false(
        string claimed, bool expected)
    {
        byte[] packet = [0, 1, 8, 0, 6, 4, 0, 1, .. new byte[20]];
        IPAddress.Parse(claimed).GetAddressBytes().CopyTo(packet, 14);

        Assert.Equal(expected, IsHonest(AdHoc, EtherTypes.Arp, packet));
    }

    [Theory]
    [InlineData("10.116.80.119", true)] // the sender's, 63cc745077
    [InlineData("10.0.204.127", false)] // of 026800cc7f
    [InlineData("10.0.0.1", false)] // ours
    [InlineData("11.116.80.119", false)] // of another network
    public void Senders_on_an_ad_hoc_network_with_IPv4_use_the_address_of_their_identity_only(string claimed, bool expected)
    {
        var network = NetworkId.Parse("ff0a000000000001");
        byte[] address = IPAddress.Parse(claimed).GetAddressBytes();
        byte[] packet = [0x45, .. new byte[11], .. address, .. new byte[4]];
        byte[] arp = [0, 1, 8, 0, 6, 4, 0, 1, .. new byte[6], .. address, .. new byte[10]];
        var configuration = Configuration(network) with { Addresses = [new(IpAddress.From(IPAddress.Parse("10.0.0.1")), 8)] };

        Assert.Equal(
            expected,
            new SourceAddressCheck(network, new FakeGate()).IsHonest(configuration, Sender, null, SenderMac, EtherTypes.IPv4, packet));
        Assert.Equal(
            expected,
            new SourceAddressCheck(network, new FakeGate()).IsHonest(configuration, Sender, null, SenderMac, EtherTypes.Arp, arp));
    }

    [Theory]
    [InlineData(Mine, true)]
    [InlineData("2001:db8::1", true)]
    [InlineData("2001:db8::5", false)]
    [InlineData("2001:db8:1::1", false)]
    [InlineData(Theirs, false)]
    public void Is_honest_network_with_a_controller_leaves_only_derived_addresses_to_their_owners(string source, bool expected)
    {
        // The same derivation as on the ad-hoc network: only the first 8 bits of the ID differ.
        var network = NetworkId.Parse("8056c2e21c000001");
        var addressing = new MemberAddressing(network);
        var address = source switch
        {
            Mine => addressing.SixPlane(Sender),
            Theirs => addressing.SixPlane(NodeId.Parse("026800cc7f")),
            _ => IpAddress.From(IPAddress.Parse(source)),
        };

        Assert.Equal(expected, new SourceAddressCheck(network, new FakeGate()).IsHonest(
            Configuration(network), Sender, null, addressing.Mac(Sender), EtherTypes.IPv6, Ipv6(address.ToString(), 59, [])));
    }

    [Theory]
    [InlineData(Mine, false, true)]
    [InlineData(Mine, true, false)]
    [InlineData(Theirs, false, false)]
    public void Is_honest_advertisement_may_announce_only_the_sender_at_its_own_mac(string target, bool otherMac, bool expected)
    {
        byte[] message = Neighbor(136, target, 2, otherMac ? OtherMac : SenderMac);

        Assert.Equal(expected, IsHonest(AdHoc, EtherTypes.IPv6, Ipv6(Mine, 58, message)));
        Assert.Equal(expected, IsHonest(AdHoc, EtherTypes.IPv6, Ipv6(Mine, 60, [58, 0, 1, 4, 0, 0, 0, 0, .. message])));
    }

    [Theory]
    [InlineData(false, true)]
    [InlineData(true, false)]
    public void Is_honest_solicitation_may_ask_for_anybody_but_comes_from_the_senders_own_mac(bool otherMac, bool expected) =>
        Assert.Equal(expected, IsHonest(AdHoc, EtherTypes.IPv6, Ipv6(Mine, 58, Neighbor(135, Theirs, 1, otherMac ? OtherMac : SenderMac))));

    [Fact]
    public void Is_honest_option_behind_the_stated_length_does_not_count()
    {
        byte[] packet = Ipv6(Mine, 58, Neighbor(136, Mine, 2, OtherMac));
        packet[5] = 24;

        Assert.True(IsHonest(AdHoc, EtherTypes.IPv6, packet));
    }

    [Fact]
    public void Is_honest_truncated_anywhere_does_not_throw()
    {
        byte[] packet = Ipv6(Mine, 60, [58, 0, 1, 4, 0, 0, 0, 0, .. Neighbor(136, Mine, 2, SenderMac)]);
        for (int length = 0; length <= packet.Length; length++)
        {
            foreach (ushort etherType in new[] { EtherTypes.IPv4, EtherTypes.Arp, EtherTypes.IPv6 })
            {
                new SourceAddressCheck(AdHoc, new FakeGate()).IsHonest(
                    Configuration(AdHoc), Sender, null, SenderMac, etherType, packet.AsSpan(0, length));
            }
        }
    }

    private static bool IsHonest(NetworkId network, ushort etherType, byte[] frame) =>
        new SourceAddressCheck(network, new FakeGate()).IsHonest(Configuration(network), Sender, null, SenderMac, etherType, frame);

    private static NetworkConfiguration Configuration(NetworkId network) => new()
    {
        Id = network,
        Filter = new PortRangeFilter(PortRange.All),
        Addresses = [new(IpAddress.From(IPAddress.Parse("2001:db8::5")), 64)],
    };

    private static byte[] Neighbor(byte type, string target, byte option, MacAddress mac)
    {
        byte[] message = [type, 0, 0, 0, 0x60, 0, 0, 0, .. IPAddress.Parse(target).GetAddressBytes(), option, 1, .. new byte[6]];
        mac.Write(message.AsSpan(26));
        return message;
    }

    private static byte[] Ipv6(string source, byte nextHeader, byte[] payload)
    {
        byte[] packet =
        [
            0x60,
            0,
            0,
            0,
            0,
            (byte)payload.Length,
            nextHeader,
            255,
            .. IPAddress.Parse(source).GetAddressBytes(),
            .. new byte[16],
            .. payload,
        ];
        return packet;
    }
}
