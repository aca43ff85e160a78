using System.Buffers.Binary;
using System.Text.Json;
using ZeroTier.Managed.IpStack;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.IpStack;

/// <summary>Packets of real nodes (lwIP) go in; what comes out must be what they would have sent.</summary>
public sealed class RecordedPacketTests
{
    private readonly VirtualClock _clock = new();

    [Fact]
    public void Checksums_of_all_recorded_packets_are_right()
    {
        int checkedPackets = 0;
        foreach (var (etherType, payload) in RecordedFrames())
        {
            if (etherType == EtherTypes.IPv6)
            {
                var source = IpAddress.ReadIPv6(payload.AsSpan(8));
                var destination = IpAddress.ReadIPv6(payload.AsSpan(24));
                if (payload[6] is (byte)IpProtocol.Tcp or (byte)IpProtocol.IcmpV6)
                {
                    Assert.Equal(0, InternetChecksum.Transport(source, destination, (IpProtocol)payload[6], payload.AsSpan(40)));
                    checkedPackets++;
                }
            }
            else if (etherType == EtherTypes.IPv4)
            {
                Assert.Equal(0, InternetChecksum.Compute(payload.AsSpan(0, 20)));
                Assert.Equal(
                    0,
                    InternetChecksum.Transport(
                        IpAddress.ReadIPv4(payload.AsSpan(12)),
                        IpAddress.ReadIPv4(payload.AsSpan(16)),
                        IpProtocol.Tcp,
                        payload.AsSpan(20)));
                checkedPackets++;
            }
        }

        Assert.True(checkedPackets > 20);
    }

    [Fact]
    public void Recorded_packets_pass_the_input_checks()
    {
        var wire = new FrameWire(_clock);
        var stack = wire.Attach(1);
        foreach (var (etherType, payload) in RecordedFrames())
        {
            if (etherType == EtherTypes.IPv6 && payload[24] != 0xff)
            {
                stack.Configure(new IpConfiguration(2800, [new(IpAddress.ReadIPv6(payload.AsSpan(24)), 40)]));
            }
            else if (etherType == EtherTypes.IPv4)
            {
                stack.Configure(new IpConfiguration(2800, [new(IpAddress.ReadIPv4(payload.AsSpan(16)), 8)]));
            }
            else
            {
                continue;
            }

            stack.Receive(FrameWire.Mac(2), FrameWire.Mac(1), etherType, payload);
        }

        var dropped = new Dictionary<string, long>();
        stack.AddDropped(dropped);

        // Nobody has the connections of the recording here.
        dropped.Remove("tcp.unknown");
        Assert.Empty(dropped);
    }

    [Fact]
    public void Arp_request_of_a_real_node_is_answered_as_a_real_node_does()
    {
        var packets = VectorFile.Json("trace-adhoc.json").GetProperty("packets").EnumerateArray().ToList();
        var request = packets.Single(p => p.GetProperty("n").GetInt32() == 142).Hex("payload");
        var answer = packets.Single(p => p.GetProperty("n").GetInt32() == 144).Hex("payload");
        var mac = MacAddress.Read(answer.AsSpan(18));
        var link = new RecordingLink();
        var stack = link.Stack(mac, _clock);
        stack.Configure(new IpConfiguration(2800, [new(IpAddress.ReadIPv4(answer.AsSpan(24)), 8)]));

        var arp = request.AsSpan(request.Length - Arp.Length);
        stack.Receive(MacAddress.Read(arp[8..]), MacAddress.Broadcast, EtherTypes.Arp, arp);

        var (destination, etherType, payload) = Assert.Single(link.Sent);
        Assert.Equal(MacAddress.Read(arp[8..]), destination);
        Assert.Equal(EtherTypes.Arp, etherType);
        Assert.Equal(answer[10..], payload);
    }

    [Fact]
    public void Neighbour_solicitation_is_answered_with_the_recorded_advertisement()
    {
        var vector = VectorFile.Json("vl2.json").GetProperty("ndp_emulation").EnumerateArray().First();
        var question = vector.GetProperty("frame_from_stack");
        var answer = vector.GetProperty("frame_injected_back");
        byte[] expected = answer.Hex("data");
        var mac = ParseMac(answer, "source_mac");
        var link = new RecordingLink();
        var stack = link.Stack(mac, _clock);
        stack.Configure(new IpConfiguration(2800, [new(IpAddress.ReadIPv6(expected.AsSpan(48)), 40)]));

        stack.Receive(ParseMac(question, "source_mac"), ParseMac(question, "dest_mac"), EtherTypes.IPv6, question.Hex("data"));

        var (destination, etherType, payload) = Assert.Single(link.Sent);
        Assert.Equal(ParseMac(answer, "dest_mac"), destination);
        Assert.Equal(EtherTypes.IPv6, etherType);
        Assert.Equal(expected, payload);
    }

    [Theory]
    [InlineData(7, 254)]
    [InlineData(41, 1)]
    [InlineData(65, 0)]
    [InlineData(48, 0xff)]
    public void Solicitation_that_RFC_4861_says_to_ignore_gets_no_answer(int offset, byte value)
    {
        var vector = VectorFile.Json("vl2.json").GetProperty("ndp_emulation").EnumerateArray().First();
        var question = vector.GetProperty("frame_from_stack");
        byte[] packet = question.Hex("data");
        packet[offset] = value;
        packet.AsSpan(42, 2).Clear();
        BinaryPrimitives.WriteUInt16BigEndian(
            packet.AsSpan(42),
            InternetChecksum.Transport(
                IpAddress.ReadIPv6(packet.AsSpan(8)), IpAddress.ReadIPv6(packet.AsSpan(24)), IpProtocol.IcmpV6, packet.AsSpan(40)));
        var link = new RecordingLink();
        var stack = link.Stack(new MacAddress(0x0202_68ff_337f), _clock);
        stack.Configure(
            new IpConfiguration(2800, [new(IpAddress.ReadIPv6(vector.GetProperty("frame_injected_back").Hex("data").AsSpan(48)), 40)]));

        stack.Receive(ParseMac(question, "source_mac"), ParseMac(question, "dest_mac"), EtherTypes.IPv6, packet);

        Assert.Empty(link.Sent);
        Assert.Equal(1, stack.Drops[IpDrop.NeighborDiscovery]);
    }

    [Fact]
    public void Link_local_address_is_derived_as_ZeroTier_does() =>
        Assert.Equal("fe80::63:ccff:fe8b:af77", new MacAddress(0x0263_cc8b_af77).ToLinkLocal().ToString());

    /// <summary>All IP and ARP payloads of the recorded trace.</summary>
    internal static IEnumerable<(ushort EtherType, byte[] Payload)> RecordedFrames()
    {
        foreach (var packet in VectorFile.Json("trace-adhoc.json").GetProperty("packets").EnumerateArray())
        {
            if (packet.TryGetProperty("verb", out var verb) && verb.GetString() == "FRAME")
            {
                byte[] payload = packet.Hex("payload");
                yield return (BinaryPrimitives.ReadUInt16BigEndian(payload.AsSpan(8)), payload[10..]);
            }
        }
    }

    private static MacAddress ParseMac(JsonElement element, string property) =>
        MacAddress.Read(Convert.FromHexString(element.GetProperty(property).GetString()!.Replace(":", "", StringComparison.Ordinal)));
}
