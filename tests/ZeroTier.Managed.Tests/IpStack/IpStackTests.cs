using System.Net.Sockets;
using ZeroTier.Managed.IpStack;
using ZeroTier.Simulation;
using Stack = ZeroTier.Managed.IpStack.IpStack;

namespace ZeroTier.Managed.Tests.IpStack;

/// <summary>Two stacks on one wire.</summary>
public sealed class IpStackTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);
    private readonly VirtualClock _clock = new();
    private readonly FrameWire _wire;
    private readonly Stack _a;
    private readonly Stack _b;

    public IpStackTests()
    {
        _wire = new FrameWire(_clock);
        _a = _wire.Attach(1);
        _b = _wire.Attach(2);
    }

    public void Dispose()
    {
        _a.Dispose();
        _b.Dispose();
    }

    [Theory]
    [InlineData(true, 0)]
    [InlineData(true, 56)]
    [InlineData(true, 2772)]
    [InlineData(true, 2773)]
    [InlineData(true, 65507)]
    [InlineData(false, 0)]
    [InlineData(false, 56)]
    [InlineData(false, 2752)]
    [InlineData(false, 2753)]
    [InlineData(false, 65507)]
    public void Ping_gets_its_answer_and_the_time_it_took(bool isIPv4, int size)
    {
        foreach (var (from, to) in new[] { (_a, (byte)2), (_b, (byte)1) })
        {
            var time = _clock.Run(() => from.PingAsync(Address(isIPv4, to), size, TimeSpan.FromSeconds(5)), Limit);
            Assert.InRange(time.TotalMilliseconds, 2, 4);
        }

        AssertNothingDropped();
    }

    [Fact]
    public void Ping_without_answer_times_out()
    {
        _wire.Lose = frame => frame.EtherType == EtherTypes.IPv6 && frame.Payload[40] == IcmpV6.EchoReply;
        Assert.Throws<TimeoutException>(() => _clock.Run(() => _a.PingAsync(FrameWire.V6(2), 8, TimeSpan.FromSeconds(5)), Limit));
        Assert.Equal(5, _clock.Elapsed.TotalSeconds);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Ping_of_an_address_that_nobody_has_fails_after_three_questions(bool isIPv4)
    {
        var error = Assert.Throws<SocketException>(
            () => _clock.Run(() => _a.PingAsync(Address(isIPv4, 99), 8, TimeSpan.FromSeconds(60)), Limit));
        Assert.Equal(SocketError.HostUnreachable, error.SocketErrorCode);
        Assert.Equal(3, _wire.Frames.Count);
        Assert.Equal(3, _clock.Elapsed.TotalSeconds);
        Assert.Equal(1, _a.Drops[IpDrop.Neighbor]);
        Assert.Equal(0, _a.Neighbors.Count);
    }

    [Fact]
    public void Ping_off_the_link_fails_at_once()
    {
        var error = Assert.Throws<SocketException>(
            () => _clock.Run(() => _a.PingAsync(IpAddress.FromIPv4(0x0b00_0001), 8, TimeSpan.FromSeconds(60)), Limit));
        Assert.Equal(SocketError.NetworkUnreachable, error.SocketErrorCode);
        Assert.Empty(_wire.Frames);
    }

    [Fact]
    public void Ping_can_be_cancelled()
    {
        _wire.Lose = static _ => true;
        using var source = new CancellationTokenSource();
        _clock.Schedule(TimeSpan.FromSeconds(1), source.Cancel);
        Assert.ThrowsAny<OperationCanceledException>(
            () => _clock.Run(() => _a.PingAsync(FrameWire.V6(2), 8, TimeSpan.FromSeconds(60), source.Token), Limit));
        Assert.Equal(1, _clock.Elapsed.TotalSeconds);
    }

    [Fact]
    public void Our_own_addresses_answer_without_the_wire()
    {
        Assert.Equal(TimeSpan.Zero, _clock.Run(() => _a.PingAsync(FrameWire.V6(1), 60_000, TimeSpan.FromSeconds(1)), Limit));
        Assert.Equal(TimeSpan.Zero, _clock.Run(() => _a.PingAsync(FrameWire.V4(1), 0, TimeSpan.FromSeconds(1)), Limit));
        Assert.Empty(_wire.Frames);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void First_packet_survives_the_loss_of_two_questions(bool isIPv4)
    {
        int lost = 0;
        _wire.Lose = frame => IsQuestion(frame) && lost++ < 2;
        var time = _clock.Run(() => _a.PingAsync(Address(isIPv4, 2), 8, TimeSpan.FromSeconds(60)), Limit);
        Assert.InRange(time.TotalSeconds, 2, 2.1);
    }

    [Fact]
    public void Stale_neighbour_is_probed_by_unicast_and_forgotten_when_it_is_gone()
    {
        Ping(FrameWire.V6(2));
        _clock.Advance(TimeSpan.FromSeconds(40));
        _wire.Frames.Clear();
        Ping(FrameWire.V6(2));
        _clock.Advance(TimeSpan.FromSeconds(6));
        var probe = Assert.Single(_wire.Frames, f => IsQuestion(f) && f.Source == FrameWire.Mac(1));
        Assert.Equal(FrameWire.Mac(2), probe.Destination);

        _clock.Advance(TimeSpan.FromSeconds(40));
        Assert.Contains(_wire.Frames, f => IsQuestion(f));
        _wire.Lose = static _ => true;
        int before = _a.Neighbors.Count;
        _ = _a.PingAsync(FrameWire.V6(2), 8, TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        _clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(before - 1, _a.Neighbors.Count);
    }

    [Fact]
    public void Reachable_neighbour_that_asks_from_another_station_is_sent_to_there()
    {
        Ping(FrameWire.V6(2));
        Assert.True(_a.Neighbors.TryGet(FrameWire.V6(2), out var mac));
        Assert.Equal(FrameWire.Mac(2), mac);

        _a.Neighbors.Seen(FrameWire.V6(2), FrameWire.Mac(3), create: false);
        Assert.True(_a.Neighbors.TryGet(FrameWire.V6(2), out mac));
        Assert.Equal(FrameWire.Mac(3), mac);
    }

    [Fact]
    public void Neighbour_table_and_its_queues_are_bounded()
    {
        _a.Configure(new IpConfiguration(2800, [new(FrameWire.V6(1), 64)]));
        _wire.Lose = static _ => true;
        using var socket = _a.BindUdp(null, 0);
        for (int i = 0; i < 3000; i++)
        {
            socket.SendTo(new byte[100], IpAddress.FromIPv6(FrameWire.V6(0).Value + (UInt128)(i + 10)), 9);
        }

        Assert.Equal(NeighborCache.MaxEntries, _a.Neighbors.Count);
        for (int i = 0; i < 100; i++)
        {
            socket.SendTo(new byte[100], FrameWire.V6(200), 9);
        }

        Assert.True(_a.Drops[IpDrop.Neighbor] > 100);
        _clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(0, _a.Neighbors.Count);
    }

    [Theory]
    [InlineData(true, 0)]
    [InlineData(true, 1000)]
    [InlineData(true, 65507)]
    [InlineData(false, 0)]
    [InlineData(false, 1000)]
    [InlineData(false, 65507)]
    public void Datagrams_go_both_ways(bool isIPv4, int size)
    {
        using var server = _b.BindUdp(null, 5353);
        using var client = _a.BindUdp(Address(isIPv4, 1), 0);
        byte[] data = new byte[size];
        new SeededRandom(5).Fill(data);
        byte[] buffer = new byte[65536];

        client.SendTo(data, Address(isIPv4, 2), 5353);
        var there = _clock.Run(async () => await server.ReceiveAsync(buffer), Limit);
        Assert.Equal(new UdpReceived(size, Address(isIPv4, 1), client.LocalPort, FrameWire.Mac(1)), there);
        Assert.Equal(data, buffer[..size]);

        server.SendTo(data, there.Source, there.SourcePort);
        var back = _clock.Run(async () => await client.ReceiveAsync(buffer.AsMemory(0, size / 2)), Limit);
        Assert.Equal(size / 2, back.Length);
        Assert.Equal(5353, back.SourcePort);
        AssertNothingDropped();
    }

    [Fact]
    public void Rule_6_14_A_receive_into_memory_that_is_gone_fails_alone()
    {
        using var server = _b.BindUdp(null, 5353);
        using var client = _a.BindUdp(Address(true, 1), 0);
        var gone = new GoneMemory();
        var broken = server.ReceiveAsync(gone.Memory, TestContext.Current.CancellationToken).AsTask();
        var next = server.ReceiveAsync(new byte[9], TestContext.Current.CancellationToken).AsTask();
        gone.IsGone = true;

        client.SendTo([1], Address(true, 2), 5353);
        client.SendTo([1, 2], Address(true, 2), 5353);

        _clock.Run(() => Assert.ThrowsAsync<ObjectDisposedException>(() => broken), Limit);
        Assert.Equal(2, _clock.Run(() => next, Limit).Length);
    }

    private sealed class GoneMemory : System.Buffers.MemoryManager<byte>
    {
        private readonly byte[] _bytes = new byte[9];

        public bool IsGone { get; set; }

        public override Span<byte> GetSpan() => IsGone ? throw new ObjectDisposedException(nameof(GoneMemory)) : _bytes;

        public override System.Buffers.MemoryHandle Pin(int elementIndex = 0) => throw new NotSupportedException();

        public override void Unpin()
        {
        }

        protected override void Dispose(bool disposing)
        {
        }
    }

    [Fact]
    public void Broadcast_reaches_sockets_bound_to_all_addresses()
    {
        using var server = _b.BindUdp(null, 7);
        using var client = _a.BindUdp(FrameWire.V4(1), 0);
        foreach (uint address in new[] { 0x0a00_00ffu, uint.MaxValue })
        {
            client.SendTo([1, 2, 3], IpAddress.FromIPv4(address), 7);
            Assert.Equal(3, _clock.Run(async () => await server.ReceiveAsync(new byte[9]), Limit).Length);
        }

        // No error is ever sent for a broadcast (RFC 1122, 3.2.2).
        client.SendTo([1], IpAddress.FromIPv4(uint.MaxValue), 8);
        int frames = _wire.Frames.Count;
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(frames, _wire.Frames.Count);
    }

    [Fact]
    public void Full_receive_queue_drops_the_newest_and_counts_them()
    {
        using var server = _b.BindUdp(null, 7);
        using var client = _a.BindUdp(null, 0);
        for (int i = 0; i < UdpSocket.MaxQueued + 10; i++)
        {
            client.SendTo([(byte)i], FrameWire.V6(2), 7);
            _clock.Advance(TimeSpan.FromMilliseconds(10));
        }

        Assert.Equal(10, server.Dropped);
        Assert.Equal(10, _b.Drops[IpDrop.UdpQueue]);
        byte[] first = new byte[1];
        _clock.Run(async () => await server.ReceiveAsync(first), Limit);
        Assert.Equal(0, first[0]);
    }

    [Fact]
    public void Several_receivers_are_served_in_order_and_a_cancelled_one_takes_nothing()
    {
        using var server = _b.BindUdp(null, 7);
        using var client = _a.BindUdp(null, 0);
        using var source = new CancellationTokenSource();
        byte[][] buffers = [new byte[1], new byte[1], new byte[1]];
        var cancelled = server.ReceiveAsync(buffers[0], source.Token).AsTask();
        var second = server.ReceiveAsync(buffers[1], TestContext.Current.CancellationToken).AsTask();
        var third = server.ReceiveAsync(buffers[2], TestContext.Current.CancellationToken).AsTask();
        source.Cancel();
        client.SendTo([2], FrameWire.V6(2), 7);
        client.SendTo([3], FrameWire.V6(2), 7);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.True(cancelled.IsCanceled);
        Assert.True(second.IsCompletedSuccessfully && third.IsCompletedSuccessfully);
        Assert.Equal([0, 2, 3], buffers.Select(b => b[0]));
    }

    [Fact]
    public void Closing_a_socket_ends_its_receivers_and_frees_the_port()
    {
        var server = _b.BindUdp(null, 7);
        var pending = server.ReceiveAsync(new byte[1], TestContext.Current.CancellationToken).AsTask();
        Assert.Equal(SocketError.AddressAlreadyInUse, Assert.Throws<SocketException>(() => _b.BindUdp(FrameWire.V4(2), 7)).SocketErrorCode);
        server.Dispose();
        Assert.IsType<SocketException>(pending.Exception!.InnerException);
        Assert.Throws<SocketException>(() => server.SendTo([1], FrameWire.V6(1), 1));
        _b.BindUdp(FrameWire.V4(2), 7).Dispose();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Closed_port_is_reported_within_the_rate_limit(bool isIPv4)
    {
        using var client = _a.BindUdp(null, 0);
        Ping(Address(isIPv4, 2));
        _wire.Frames.Clear();
        for (int i = 0; i < 200; i++)
        {
            client.SendTo(new byte[1500], Address(isIPv4, 2), 81);
        }

        _clock.RunUntilIdle(TimeSpan.FromMilliseconds(100));
        var errors = _wire.Frames.Where(f => f.Source == FrameWire.Mac(2)).ToList();
        Assert.InRange(errors.Count, 50, 60);
        Assert.Equal(200 - errors.Count, _b.Drops[IpDrop.IcmpRate]);
        Assert.Equal(isIPv4 ? 576 : 1280, errors[0].Payload.Length);
        Assert.Equal(isIPv4 ? [3, 3] : new byte[] { 1, 4 }, errors[0].Payload[(isIPv4 ? 20 : 40)..][..2]);
        Assert.Equal(0, _a.Drops[IpDrop.Icmp]);

        // RFC 4443, 2.4 f: the limit is a rate.
        _clock.Advance(TimeSpan.FromSeconds(2));
        client.SendTo([1], Address(isIPv4, 2), 81);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(errors.Count + 1, _wire.Frames.Count(f => f.Source == FrameWire.Mac(2)));
    }

    [Theory]
    [InlineData(true, 1000, 1000)]
    [InlineData(true, 100, 552)]
    [InlineData(false, 1300, 1300)]
    [InlineData(false, 100, 1280)]
    public void Path_mtu_report_narrows_the_path_for_ten_minutes(bool isIPv4, int reported, int expected)
    {
        var destination = Address(isIPv4, 2);
        Ping(destination);
        Assert.Equal(1394 - (isIPv4 ? 20 : 40), _a.Output.MaxPayload(destination));
        Report(Address(isIPv4, 1), destination, reported);
        Assert.Equal(Math.Min(1394, expected) - (isIPv4 ? 20 : 40), _a.Output.MaxPayload(destination));

        // A wider report changes nothing, and our datagrams now leave in pieces that fit.
        Report(Address(isIPv4, 1), destination, 2000);
        _wire.Frames.Clear();
        Assert.InRange(_clock.Run(() => _a.PingAsync(destination, 2500, TimeSpan.FromSeconds(5)), Limit).TotalMilliseconds, 2, 4);
        Assert.All(_wire.Frames.Where(f => f.Source == FrameWire.Mac(1)), f => Assert.InRange(f.Payload.Length, 1, expected));

        _clock.Advance(TimeSpan.FromMinutes(11));
        Assert.Equal(1394 - (isIPv4 ? 20 : 40), _a.Output.MaxPayload(destination));
    }

    [Fact]
    public void Path_mtu_report_about_somebody_elses_packet_is_ignored()
    {
        Report(FrameWire.V6(3), FrameWire.V6(2), 1280);
        Assert.Equal(1354, _a.Output.MaxPayload(FrameWire.V6(2)));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Path_mtu_report_from_anybody_but_the_next_hop_is_ignored(bool isIPv4)
    {
        var destination = Address(isIPv4, 2);
        Ping(destination);
        Report(Address(isIPv4, 1), destination, 1280, reporter: 9);
        Assert.Equal(1394 - (isIPv4 ? 20 : 40), _a.Output.MaxPayload(destination));
        Assert.Equal(1, _a.Drops[IpDrop.Icmp]);
    }

    [Fact]
    public void Neighbours_with_computed_addresses_are_never_asked_for()
    {
        var wire = new FrameWire(_clock);
        using var c = wire.Attach(3, new ByNumber());
        using var d = wire.Attach(4, new ByNumber());
        _clock.Run(() => c.PingAsync(FrameWire.V6(4), 8, TimeSpan.FromSeconds(1)), Limit);
        Assert.DoesNotContain(wire.Frames, IsQuestion);
    }

    [Fact]
    public void Changing_the_configuration_applies_mtu_addresses_and_routes_at_once()
    {
        _a.Configure(
            new IpConfiguration(
                1280, [new(FrameWire.V6(1), 64), new(FrameWire.V6(7), 64)], [new(Parse("2001:db8::"), 32, FrameWire.V6(2), 0)]));

        Assert.Equal(1240, _a.Output.MaxPayload(FrameWire.V6(2)));
        Assert.Equal(FrameWire.V6(1), _a.SelectSource(Parse("2001:db8::1")));
        Assert.Null(_a.SelectSource(FrameWire.V4(2)));
        Assert.Equal(3, _a.Addresses.Length);
    }

    [Fact]
    public async Task A_socket_whose_address_is_taken_away_ends_with_that_error_and_one_on_any_address_goes_on()
    {
        using var bound = _a.BindUdp(FrameWire.V6(1), 7);
        using var any = _a.BindUdp(null, 8);
        var receiving = bound.ReceiveAsync(new byte[10], TestContext.Current.CancellationToken).AsTask();
        var others = any.ReceiveAsync(new byte[10], TestContext.Current.CancellationToken).AsTask();

        _a.Configure(new IpConfiguration(2800, [new(FrameWire.V6(7), 64)]));

        Assert.Equal(SocketError.AddressNotAvailable, Assert.IsType<SocketException>(receiving.Exception!.InnerException).SocketErrorCode);
        Assert.Equal(
            SocketError.AddressNotAvailable, Assert.Throws<SocketException>(() => bound.SendTo([1], FrameWire.V6(2), 1)).SocketErrorCode);
        using var sender = _b.BindUdp(null, 9);
        sender.SendTo([1, 2], FrameWire.V6(7), 8);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.True(others.IsCompleted);
        Assert.Equal(2, (await others).Length);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Packets_for_a_range_behind_a_gateway_go_to_its_ethernet_address(bool isIPv4)
    {
        var target = isIPv4 ? Parse("192.168.7.9") : Parse("2001:db8::9");
        _a.Configure(new IpConfiguration(
            2800,
            [new(FrameWire.V6(1), 64), new(FrameWire.V4(1), 24)],
            [
                new(isIPv4 ? Parse("0.0.0.0") : Parse("::"), 0, Address(isIPv4, 9), 0),
                new(isIPv4 ? Parse("192.168.0.0") : Parse("2001:db8::"), isIPv4 ? 16 : 32, Address(isIPv4, 8), 2),
                new(isIPv4 ? Parse("192.168.0.0") : Parse("2001:db8::"), isIPv4 ? 16 : 32, Address(isIPv4, 2), 1),
            ]));
        using var socket = _a.BindUdp(null, 7);
        socket.SendTo([1], target, 9);
        _clock.Advance(TimeSpan.FromSeconds(1));

        var sent = Assert.Single(
            _wire.Frames, frame => frame.Source == FrameWire.Mac(1) && frame.Payload.AsSpan().IndexOf(Bytes(target)) is 16 or 24
                && frame.EtherType == (isIPv4 ? EtherTypes.IPv4 : EtherTypes.IPv6) && !IsQuestion(frame));
        Assert.Equal(FrameWire.Mac(2), sent.Destination);
    }

    [Fact]
    public void A_configuration_that_no_host_can_have_is_refused()
    {
        Assert.Throws<ArgumentException>(() => new IpConfiguration(2800, [new(Parse("ff02::1"), 64)]));
        Assert.Throws<ArgumentException>(() => new IpConfiguration(2800, [new(FrameWire.V4(1), 33)]));
        Assert.Throws<ArgumentOutOfRangeException>(() => new IpConfiguration(1279, []));
        Assert.Throws<ArgumentException>(() => new IpConfiguration(2800, [], [new(FrameWire.V4(1), 8, FrameWire.V6(1), 0)]));
    }

    [Fact]
    public void Source_is_the_address_on_the_destinations_link()
    {
        _a.Configure(new IpConfiguration(2800, [new(FrameWire.V6(1), 64), new(Parse("fc00::1"), 40), new(FrameWire.V4(1), 24)]));
        Assert.Equal(Parse("fc00::1"), _a.SelectSource(Parse("fc00:0:0:1::5")));
        Assert.Equal(FrameWire.V6(1), _a.SelectSource(FrameWire.V6(77)));
        Assert.Equal(FrameWire.V4(1), _a.SelectSource(FrameWire.V4(77)));
        Assert.Equal(Parse("fe80::ff:fe00:1"), _a.SelectSource(Parse("fe80::1")));
        Assert.Equal(Parse("fe80::ff:fe00:1"), _a.SelectSource(Parse("ff02::1")));
        Assert.Null(_a.SelectSource(Parse("2001:db8::1")));
    }

    [Fact]
    public void Disposed_stack_is_silent()
    {
        Ping(FrameWire.V6(2));
        _b.Dispose();
        _wire.Frames.Clear();
        Assert.Throws<TimeoutException>(() => _clock.Run(() => _a.PingAsync(FrameWire.V6(2), 8, TimeSpan.FromSeconds(3)), Limit));
        Assert.All(_wire.Frames, f => Assert.Equal(FrameWire.Mac(1), f.Source));
        Assert.Throws<SocketException>(() => _b.BindUdp(null, 0));
    }

    private static bool IsQuestion(FrameWire.Frame frame) => frame.EtherType == EtherTypes.Arp
        ? frame.Payload[7] == 1
        : frame.EtherType == EtherTypes.IPv6
            && frame.Payload[6] == (byte)IpProtocol.IcmpV6
            && frame.Payload[40] == IcmpV6.NeighborSolicitation;

    private static IpAddress Address(bool isIPv4, byte number) => isIPv4 ? FrameWire.V4(number) : FrameWire.V6(number);

    private static byte[] Bytes(IpAddress address) => address.ToIPAddress().GetAddressBytes();

    private static IpAddress Parse(string text) => IpAddress.From(System.Net.IPAddress.Parse(text));

    private void Ping(IpAddress destination) => _clock.Run(() => _a.PingAsync(destination, 8, TimeSpan.FromSeconds(5)), Limit);

    private void Report(IpAddress source, IpAddress destination, int mtu, byte reporter = 2)
    {
        byte[] packet = PacketBuilder.PathMtuReport(
            FrameWire.V4(9), FrameWire.V4(1), FrameWire.V6(9), FrameWire.V6(1), source, destination, mtu);
        _a.Receive(FrameWire.Mac(reporter), FrameWire.Mac(1), source.IsIPv4 ? EtherTypes.IPv4 : EtherTypes.IPv6, packet);
    }

    private void AssertNothingDropped()
    {
        var dropped = new Dictionary<string, long>();
        _a.AddDropped(dropped);
        _b.AddDropped(dropped);
        Assert.Empty(dropped);
    }

    private sealed class ByNumber : INeighborResolver
    {
        public bool TryResolve(in IpAddress address, out MacAddress mac)
        {
            mac = FrameWire.Mac((byte)address.Value);
            return address.IsIPv6 && address.IsInPrefix(FrameWire.V6(0), 64);
        }
    }
}
