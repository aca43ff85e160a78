using System.Buffers.Binary;
using ZeroTier.Managed.IpStack;
using ZeroTier.Simulation;
using Stack = ZeroTier.Managed.IpStack.IpStack;

namespace ZeroTier.Managed.Tests.IpStack;

/// <summary>Single packets, good and bad, into one stack.</summary>
public sealed class IpInputTests : IDisposable
{
    private static readonly IpAddress Us4 = FrameWire.V4(1);
    private static readonly IpAddress Us6 = FrameWire.V6(1);
    private static readonly IpAddress Them4 = FrameWire.V4(2);
    private static readonly IpAddress Them6 = FrameWire.V6(2);
    private readonly VirtualClock _clock = new();
    private readonly RecordingLink _link = new();
    private readonly Stack _stack;

    public IpInputTests()
    {
        _stack = _link.Stack(FrameWire.Mac(1), _clock);
        _stack.Configure(new IpConfiguration(2800, [new(Us4, 24), new(Us6, 64)]));
    }

    public void Dispose() => _stack.Dispose();

    [Theory]
    [InlineData("0.0.0.0", "ip.martian")]
    [InlineData("127.0.0.1", "ip.martian")]
    [InlineData("224.0.0.1", "ip.martian")]
    [InlineData("255.255.255.255", "ip.martian")]
    [InlineData("10.0.0.255", "ip.martian")]
    [InlineData("10.0.0.1", "ip.martian")]
    [InlineData("::", "ip.martian")]
    [InlineData("::1", "ip.martian")]
    [InlineData("ff02::1", "ip.martian")]
    [InlineData("fd00::1", "ip.martian")]
    public void Source_that_cannot_be_is_dropped(string source, string reason)
    {
        var address = IpAddress.From(System.Net.IPAddress.Parse(source));
        Receive(PacketBuilder.Udp(address, address.IsIPv4 ? Us4 : Us6, 1, 1, 4));
        AssertDropped(reason);
    }

    [Fact]
    public void IPv4_in_disguise_is_dropped()
    {
        byte[] packet = PacketBuilder.Udp(Them6, Us6, 1, 1, 4);
        Convert.FromHexString("00000000000000000000ffff0a000002").CopyTo(packet, 8);
        Receive(packet);
        AssertDropped("ip.martian");
    }

    [Fact]
    public void Unicast_packet_in_a_broadcast_frame_is_dropped()
    {
        _stack.Receive(FrameWire.Mac(2), MacAddress.Broadcast, EtherTypes.IPv4, PacketBuilder.Udp(Them4, Us4, 1, 1, 4));
        AssertDropped("ip.destination");
    }

    [Fact]
    public void Frame_from_ourselves_or_for_others_is_dropped()
    {
        byte[] packet = PacketBuilder.Udp(Them4, Us4, 1, 1, 4);
        _stack.Receive(FrameWire.Mac(1), FrameWire.Mac(1), EtherTypes.IPv4, packet);
        _stack.Receive(MacAddress.Broadcast, FrameWire.Mac(1), EtherTypes.IPv4, packet);
        _stack.Receive(FrameWire.Mac(2), FrameWire.Mac(3), EtherTypes.IPv4, packet);
        Assert.Equal(3, _stack.Drops[IpDrop.Frame]);
    }

    [Fact]
    public void Damaged_header_is_dropped()
    {
        byte[] packet = PacketBuilder.Udp(Them4, Us4, 1, 1, 4);
        packet[8] ^= 1;
        Receive(packet);
        AssertDropped("ip.checksum");
    }

    [Theory]
    [InlineData(131, "ip.option")]
    [InlineData(137, "ip.option")]
    [InlineData(148, "udp.port")]
    public void Options_are_skipped_but_source_routes_refused(byte option, string reason)
    {
        byte[] plain = PacketBuilder.Udp(Them4, Us4, 1, 1, 4);
        byte[] packet = [.. plain[..20], option, 4, 0, 0, .. plain[20..]];
        packet[0] = 0x46;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), (ushort)packet.Length);
        packet.AsSpan(10, 2).Clear();
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(10), InternetChecksum.Compute(packet.AsSpan(0, 24)));
        Receive(packet);
        AssertDropped(reason);
    }

    [Fact]
    public void Extension_headers_are_walked()
    {
        byte[] udp = PacketBuilder.Udp(Them6, Us6, 1, 1, 4)[40..];
        byte[] packet = PacketBuilder.Ip(
            Them6, Us6, IpProtocol.HopByHopOptions,
            [
                60, 0, 1, 4, 0, 0, 0, 0,
                43, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                44, 0, 0, 0, 0, 0, 0, 0,
                17, 0, 0, 0, 0, 0, 0, 9,
                .. udp,
            ]);
        Receive(packet);
        AssertDropped("udp.port");
        Assert.Equal(IcmpV6.Unreachable, _link.Sent.Single(f => IsIcmp(f.Payload)).Payload[40]);
    }

    [Theory]
    [InlineData("3b00010400000000", 0, 0, 0)] // no next header: nothing happens
    [InlineData("3b00030000000000", 0, 0, 0)] // unknown option 00: skipped
    [InlineData("3b00430000000000", 0, 0, 0)] // unknown option 01: dropped
    [InlineData("3b00830000000000", 4, 2, 42)] // unknown option 10: reported
    [InlineData("3b00c30000000000", 4, 2, 42)] // unknown option 11: reported, as the destination is unicast
    [InlineData("3b00c3ff00000000", 0, 0, 0)] // option beyond its header
    [InlineData("3b02010400000000", 0, 0, 0)] // header beyond the packet
    [InlineData("00000104000000003b00010400000000", 4, 1, 40)] // a second hop-by-hop header
    public void Options_do_what_RFC_8200_says(string header, byte type, byte code, int pointer)
    {
        Receive(PacketBuilder.Ip(Them6, Us6, IpProtocol.HopByHopOptions, Convert.FromHexString(header)));
        AssertError(type, code, pointer);
    }

    [Fact]
    public void Routing_header_with_segments_left_is_refused()
    {
        Receive(PacketBuilder.Ip(Them6, Us6, IpProtocol.RoutingHeader, [59, 0, 0, 1, 0, 0, 0, 0]));
        AssertError(4, 0, 42);
    }

    [Fact]
    public void Unknown_protocol_is_reported()
    {
        Receive(PacketBuilder.Ip(Them6, Us6, (IpProtocol)253, [1, 2, 3]));
        AssertError(4, 1, 6);
    }

    [Fact]
    public void Endless_chain_of_headers_is_cut()
    {
        byte[] chain = Enumerable.Range(0, 40).SelectMany(static _ => new byte[] { 60, 0, 1, 4, 0, 0, 0, 0 }).ToArray();
        Receive(PacketBuilder.Ip(Them6, Us6, IpProtocol.DestinationOptions, chain));
        AssertDropped("ip.header");
    }

    [Fact]
    public void Fragment_headers_do_not_nest_behind_other_headers()
    {
        // Each level would cost a copy of the packet and room on the stack: 4,000 of them fit into one packet.
        byte[] udp = PacketBuilder.Udp(Them6, Us6, 1, 1, 4)[40..];
        Receive(PacketBuilder.Ip(
            Them6, Us6, IpProtocol.FragmentHeader,
            [60, 0, 0, 0, 0, 0, 0, 1, 44, 0, 1, 4, 0, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0, 2, .. udp]));
        AssertDropped("ip.fragment");
    }

    [Fact]
    public void Fragment_that_is_no_multiple_of_eight_is_reported()
    {
        Receive(PacketBuilder.Ip(Them6, Us6, IpProtocol.FragmentHeader, [17, 0, 0, 1, 0, 0, 0, 1, 1, 2, 3]));
        AssertError(4, 0, 4);
        AssertDropped("ip.fragment");
    }

    [Fact]
    public void Fragment_inside_a_fragment_is_refused()
    {
        Receive(PacketBuilder.Ip(Them6, Us6, IpProtocol.FragmentHeader, [44, 0, 0, 0, 0, 0, 0, 1, 17, 0, 0, 0, 0, 0, 0, 2, 1, 2, 3, 4]));
        AssertDropped("ip.fragment");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Fragments_of_two_senders_never_make_one_packet(bool ipv6)
    {
        using var socket = _stack.BindUdp(null, 9);
        byte[] whole = ipv6 ? PacketBuilder.Udp(Them6, Us6, 1, 9, 16)[40..] : PacketBuilder.Udp(Them4, Us4, 1, 9, 16)[20..];
        byte[] first = Fragment(0, more: true, whole[..16]);
        byte[] last = Fragment(16, more: false, whole[16..]);
        ushort type = ipv6 ? EtherTypes.IPv6 : EtherTypes.IPv4;
        byte[] buffer = new byte[100];
        var receiving = socket.ReceiveAsync(buffer, TestContext.Current.CancellationToken);
        _stack.Receive(FrameWire.Mac(2), FrameWire.Mac(1), type, first);
        _stack.Receive(FrameWire.Mac(3), FrameWire.Mac(1), type, last);
        Assert.False(receiving.IsCompleted);
        _stack.Receive(FrameWire.Mac(2), FrameWire.Mac(1), type, last);
        Assert.Equal(16, Completed(receiving).Length);

        byte[] Fragment(int offset, bool more, byte[] data)
        {
            if (ipv6)
            {
                byte flags = (byte)(offset | (more ? 1 : 0));
                return PacketBuilder.Ip(Them6, Us6, IpProtocol.FragmentHeader, [17, 0, 0, flags, 0, 0, 0, 7, .. data]);
            }

            byte[] packet = PacketBuilder.Ip(Them4, Us4, IpProtocol.Udp, data);
            packet[4] = 0;
            packet[5] = 7;
            packet[6] = (byte)(more ? 0x20 : 0);
            packet[7] = (byte)(offset / 8);
            packet.AsSpan(10, 2).Clear();
            BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(10), InternetChecksum.Compute(packet.AsSpan(0, 20)));
            return packet;
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Neighbour_discovery_in_fragments_is_counted_and_not_believed(bool isAtomic)
    {
        // RFC 6980, 5: what looks at frames before they are put together cannot see it.
        var link = new RecordingLink();
        using var stack = link.Stack(FrameWire.Mac(1), _clock);
        stack.Configure(new IpConfiguration(2800, [new(Us6, 64)]));
        byte[] message = [135, 0, 0, 0, 0, 0, 0, 0, .. new byte[16], 1, 1, .. new byte[6]];
        Us6.Write(message.AsSpan(8));
        FrameWire.Mac(9).Write(message.AsSpan(26));
        message = PacketBuilder.Sealed(Them6, Us6, IpProtocol.IcmpV6, message, 2);
        foreach (var (start, length) in isAtomic ? [(0, 32)] : new[] { (0, 24), (24, 8) })
        {
            byte[] fragment = [58, 0, 0, (byte)(start | (start + length < 32 ? 1 : 0)), 0, 0, 0, 7, .. message[start..(start + length)]];
            byte[] packet = PacketBuilder.Ip(Them6, Us6, IpProtocol.FragmentHeader, fragment, linkScope: true);
            stack.Receive(FrameWire.Mac(2), FrameWire.Mac(1), EtherTypes.IPv6, packet);
        }

        Assert.Equal(1, stack.Drops[IpDrop.NeighborDiscovery]);
        Assert.Equal(0, stack.Neighbors.Count);
        Assert.Empty(link.Sent);
    }

    [Fact]
    public void Reassembly_that_times_out_is_reported()
    {
        Receive(PacketBuilder.Ip(Them6, Us6, IpProtocol.FragmentHeader, [17, 0, 0, 1, 0, 0, 0, 1, 0, 1, 0, 1, 0, 20, 0, 0]));
        _clock.Advance(TimeSpan.FromSeconds(31));
        Answer();
        AssertError(3, 1, 0);
    }

    /// <summary>Else every member of the group would answer.</summary>
    [Fact]
    public void Reassembly_of_a_packet_to_a_group_that_times_out_is_not_reported()
    {
        var group = IpAddress.From(System.Net.IPAddress.Parse("ff02::1"));
        byte[] packet = PacketBuilder.Ip(Them6, group, IpProtocol.FragmentHeader, [17, 0, 0, 1, 0, 0, 0, 1, 0, 1, 0, 1, 0, 20, 0, 0]);
        _stack.Receive(FrameWire.Mac(2), MulticastMapping.ToEthernet(group), EtherTypes.IPv6, packet);
        _clock.Advance(TimeSpan.FromSeconds(31));
        Assert.Equal(1, _stack.Drops[IpDrop.ReassemblyTimeout]);
        Assert.Empty(_link.Sent);
    }

    [Fact]
    public void Errors_are_never_answered()
    {
        byte[] quoted = PacketBuilder.Udp(Them6, Us6, 1, 1, 4);
        byte[] error = PacketBuilder.Sealed(Them6, Us6, IpProtocol.IcmpV6, [1, 4, 0, 0, 0, 0, 0, 0, .. quoted], 2);
        Receive(PacketBuilder.Ip(Them6, Us6, IpProtocol.DestinationOptions, [58, 0, 0x83, 0, 0, 0, 0, 0, .. error]));
        AssertDropped("ip.option");
        Assert.Empty(_link.Sent);
    }

    [Fact]
    public void Udp_over_IPv6_needs_a_checksum_and_IPv4_may_do_without()
    {
        using var socket = _stack.BindUdp(null, 9);
        byte[] six = PacketBuilder.Udp(Them6, Us6, 1, 9, 4);
        six.AsSpan(46, 2).Clear();
        Receive(six);
        AssertDropped("udp.malformed");
        byte[] four = PacketBuilder.Udp(Them4, Us4, 1, 9, 4);
        four.AsSpan(26, 2).Clear();
        Receive(four);
        Assert.Equal(4, _clock.Run(async () => await socket.ReceiveAsync(new byte[10]), TimeSpan.FromSeconds(1)).Length);
    }

    [Fact]
    public void Tcp_to_a_broadcast_address_is_ignored()
    {
        byte[] syn = PacketBuilder.Sealed(
            Them4, FrameWire.V4(255), IpProtocol.Tcp, [0, 1, 0, 80, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 255, 255, 0, 0, 0, 0], 16);
        _stack.Receive(
            FrameWire.Mac(2), MacAddress.Broadcast, EtherTypes.IPv4, PacketBuilder.Ip(Them4, FrameWire.V4(255), IpProtocol.Tcp, syn));
        _stack.EndOfBatch();
        AssertDropped("ip.martian");
        Assert.Empty(_link.Sent);
    }

    [Fact]
    public void Somebody_else_who_wants_our_address_is_told()
    {
        var group = MulticastMapping.SolicitedNode(Us6);
        byte[] message = [135, 0, 0, 0, 0, 0, 0, 0, .. new byte[16]];
        Us6.Write(message.AsSpan(8));
        var nobody = IpAddress.FromIPv6(0);
        byte[] packet = PacketBuilder.Ip(
            nobody, group, IpProtocol.IcmpV6, PacketBuilder.Sealed(nobody, group, IpProtocol.IcmpV6, message, 2), linkScope: true);
        _stack.Receive(FrameWire.Mac(2), MulticastMapping.ToEthernet(group), EtherTypes.IPv6, packet);
        var answer = Assert.Single(_link.Sent);
        Assert.Equal(new MacAddress(0x3333_0000_0001), answer.Destination);
        Assert.Equal(0x20, answer.Payload[44]);
    }

    /// <summary>RFC 5227, 2.4 (c).</summary>
    [Fact]
    public void Each_address_of_ours_is_defended_once_in_ten_seconds_and_no_other()
    {
        var second = FrameWire.V4(3);
        _stack.Configure(new IpConfiguration(2800, [new(Us4, 24), new(second, 24), new(Us6, 64)]));
        AssertDefended([Us4, Us4, Them4, Us6], [Us4]);
        _clock.Advance(TimeSpan.FromSeconds(4));
        AssertDefended([Us4, second, second], [second]);
        _clock.Advance(TimeSpan.FromMilliseconds(5999));
        AssertDefended([Us4, second], []);
        _clock.Advance(TimeSpan.FromMilliseconds(1));
        AssertDefended([second, Us4, Us4], [Us4]);
        _clock.Advance(TimeSpan.FromSeconds(4));
        AssertDefended([Us4, second], [second]);

        void AssertDefended(IpAddress[] claimed, IpAddress[] announced)
        {
            _link.Sent.Clear();
            foreach (var address in claimed)
            {
                _stack.Defend(address);
            }

            Assert.All(_link.Sent, frame => Assert.Equal((MacAddress.Broadcast, EtherTypes.Arp), (frame.Destination, frame.EtherType)));
            Assert.Equal(announced, _link.Sent.Select(frame => IpAddress.ReadIPv4(frame.Payload.AsSpan(14))));
        }
    }

    [Fact]
    public void Answering_takes_no_memory_per_packet()
    {
        var link = new RecordingLink(keep: false);
        using var stack = link.Stack(FrameWire.Mac(1), _clock, new Everybody());
        stack.Configure(new IpConfiguration(2800, [new(Us4, 24), new(Us6, 64)]));
        using var socket = stack.BindUdp(null, 9);
        byte[] echo6 = PacketBuilder.Ip(
            Them6, Us6, IpProtocol.IcmpV6, PacketBuilder.Sealed(Them6, Us6, IpProtocol.IcmpV6, [128, 0, 0, 0, .. new byte[1000]], 2));
        byte[] echo4 = PacketBuilder.Ip(
            Them4, Us4, IpProtocol.Icmp, PacketBuilder.Sealed(Them4, Us4, IpProtocol.Icmp, [8, 0, 0, 0, .. new byte[1000]], 2));
        byte[] udp = PacketBuilder.Udp(Them6, Us6, 1, 9, 1000);
        byte[] buffer = new byte[2000];
        int rounds = 0;
        Assert.Equal(0, Allocations.Of(() =>
        {
            for (int i = 0; i < 1000; i++, rounds++)
            {
                stack.Receive(FrameWire.Mac(2), FrameWire.Mac(1), EtherTypes.IPv6, echo6);
                stack.Receive(FrameWire.Mac(2), FrameWire.Mac(1), EtherTypes.IPv4, echo4);
                stack.Receive(FrameWire.Mac(2), FrameWire.Mac(1), EtherTypes.IPv6, udp);
                var received = Completed(socket.ReceiveAsync(buffer, TestContext.Current.CancellationToken));
                socket.SendTo(buffer.AsSpan(0, received.Length), Them6, 1);
                stack.EndOfBatch();
            }
        }));
        Assert.Equal(3 * rounds, link.Count);
    }

    private static T Completed<T>(ValueTask<T> task)
    {
        Assert.True(task.IsCompleted);
        return task.GetAwaiter().GetResult();
    }

    private static bool IsIcmp(byte[] packet) => packet[0] >> 4 == 6 && packet[6] == 58 && packet[40] < 128;

    private void Receive(byte[] packet)
    {
        _stack.Receive(FrameWire.Mac(2), FrameWire.Mac(1), packet[0] >> 4 == 4 ? EtherTypes.IPv4 : EtherTypes.IPv6, packet);
        Answer();
    }

    // Plays the neighbour's part in address resolution, so that answers that wait for it can leave.
    private void Answer()
    {
        if (_link.Sent.Any(static f => f.EtherType == EtherTypes.IPv6 && f.Payload[40] == IcmpV6.NeighborSolicitation))
        {
            byte[] message = [136, 0, 0, 0, 0x60, 0, 0, 0, .. new byte[16], 2, 1, 2, 0, 0, 0, 0, 2];
            Them6.Write(message.AsSpan(8));
            _stack.Receive(
                FrameWire.Mac(2), FrameWire.Mac(1), EtherTypes.IPv6,
                PacketBuilder.Ip(
                    Them6, Us6, IpProtocol.IcmpV6, PacketBuilder.Sealed(Them6, Us6, IpProtocol.IcmpV6, message, 2), linkScope: true));
        }
    }

    private void AssertDropped(string reason)
    {
        var dropped = new Dictionary<string, long>();
        _stack.AddDropped(dropped);
        Assert.Equal(new Dictionary<string, long> { [reason] = 1 }, dropped);
    }

    private void AssertError(byte type, byte code, int pointer)
    {
        var errors = _link.Sent.Select(static f => f.Payload).Where(IsIcmp).ToList();
        if (type == 0)
        {
            Assert.Empty(errors);
            return;
        }

        byte[] error = Assert.Single(errors);
        Assert.Equal((type, code, pointer), (error[40], error[41], (int)BinaryPrimitives.ReadUInt32BigEndian(error.AsSpan(44))));
        Assert.Equal(0, InternetChecksum.Transport(Us6, Them6, IpProtocol.IcmpV6, error.AsSpan(40)));
    }

    private sealed class Everybody : INeighborResolver
    {
        public bool TryResolve(in IpAddress address, out MacAddress mac)
        {
            mac = FrameWire.Mac(2);
            return true;
        }
    }
}
