using ZeroTier.Managed.Vl1;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.Vl1;

public sealed class WireFormatTests
{
    [Theory]
    [InlineData("0.1.2.3", IpScope.None, false)]
    [InlineData("255.1.2.3", IpScope.None, false)]
    [InlineData("224.0.0.1", IpScope.Multicast, false)]
    [InlineData("127.0.0.1", IpScope.Loopback, false)]
    [InlineData("6.0.0.1", IpScope.PseudoPrivate, true)]
    [InlineData("51.0.0.1", IpScope.PseudoPrivate, true)]
    [InlineData("240.0.0.1", IpScope.PseudoPrivate, true)]
    [InlineData("8.8.8.8", IpScope.Global, true)]
    [InlineData("44.0.0.1", IpScope.Global, true)]
    [InlineData("169.254.1.1", IpScope.LinkLocal, false)]
    [InlineData("10.1.2.3", IpScope.Private, true)]
    [InlineData("100.64.0.1", IpScope.Private, true)]
    [InlineData("100.128.0.1", IpScope.Global, true)]
    [InlineData("172.31.0.1", IpScope.Private, true)]
    [InlineData("172.32.0.1", IpScope.Global, true)]
    [InlineData("192.168.0.1", IpScope.Private, true)]
    [InlineData("192.0.2.1", IpScope.Private, true)]
    [InlineData("198.19.0.1", IpScope.Private, true)]
    [InlineData("198.51.100.1", IpScope.Private, true)]
    [InlineData("203.0.113.1", IpScope.Private, true)]
    [InlineData("::", IpScope.None, false)]
    [InlineData("::1", IpScope.Loopback, false)]
    [InlineData("fe80::1", IpScope.Loopback, false)]
    [InlineData("fe80::2", IpScope.LinkLocal, false)]
    [InlineData("ff02::1", IpScope.Multicast, false)]
    [InlineData("fc00::1", IpScope.Private, true)]
    [InlineData("2001:470::1", IpScope.Global, false)]
    [InlineData("2001:db8::1", IpScope.Global, true)]
    public void Scopes_and_usability_of_addresses(string address, object scope, bool usable)
    {
        var endPoint = Vl1Simulation.EndPoint(address);
        Assert.Equal((IpScope)scope, IpScopes.Of(endPoint));
        Assert.Equal(usable, IpScopes.IsUsableForPath(endPoint));
    }

    [Fact]
    public void Addresses_round_trip_and_reserved_kinds_are_skipped()
    {
        Span<byte> bytes = stackalloc byte[32];
        foreach (string address in (string[])["10.0.0.1", "2001:db8::1"])
        {
            int length = WireAddress.Write(bytes, Vl1Simulation.EndPoint(address));
            Assert.True(WireAddress.TryRead(bytes[..length], out var read, out int size));
            Assert.Equal((Vl1Simulation.EndPoint(address), length), (read, size));
            Assert.False(WireAddress.TryRead(bytes[..(length - 1)], out _, out _));
        }

        Assert.Equal(1, WireAddress.Write(bytes, default));
        Assert.True(WireAddress.TryRead([3, 0, 2, 9, 9, 5], out var none, out int skipped));
        Assert.Equal((true, 5), (none.IsNone, skipped));
        Assert.True(WireAddress.TryRead([1, 0, 0, 0, 0, 0, 0], out _, out skipped));
        Assert.Equal(7, skipped);
        Assert.False(WireAddress.TryRead([3, 0, 9, 9], out _, out _));
        Assert.False(WireAddress.TryRead([5, 0, 0, 0, 0, 0, 0], out _, out _));
        Assert.False(WireAddress.TryRead([], out _, out _));
    }

    [Theory]
    [InlineData(1432, 1432, 1)]
    [InlineData(1433, 1432, 2)]
    [InlineData(2838, 1432, 2)]
    [InlineData(2848, 1432, 2)]
    [InlineData(2849, 1432, 3)]
    [InlineData(9928, 1432, 7)]
    [InlineData(1232, 1232, 1)]
    [InlineData(1233, 1232, 2)]
    [InlineData(2838, 1232, 3)]
    [InlineData(2838, 548, 6)]
    [InlineData(9928, 548, 7)]
    public void Cutting_and_joining_gives_the_packet_back_in_any_order(int length, int mtu, int pieces)
    {
        byte[] packet = new byte[length];
        new SeededRandom(8).Fill(packet);
        int cut = Fragments.SizeFor(length, mtu);
        Assert.Equal(length == 9928 ? 1432 : mtu, cut);
        byte[] buffer = new byte[Fragments.TotalSize(length, cut)];
        packet.CopyTo(buffer, 0);
        Assert.Equal(pieces, Fragments.Count(length, cut));
        Assert.InRange(buffer.Length, length, Fragments.MaxTotalSize(length));
        int total = Fragments.Cut(buffer, length, cut);
        var datagrams = new List<byte[]>();
        for (int at = 0; at < total; at += cut)
        {
            datagrams.Add(buffer[at..Math.Min(total, at + cut)]);
        }

        Assert.Equal(pieces, datagrams.Count);
        if (pieces == 1)
        {
            return;
        }

        foreach (bool reverse in (bool[])[false, true])
        {
            var drops = new DropCounters();
            var reassembly = new PacketReassembly(drops);
            byte[]? joined = null;
            int size = 0;
            for (int i = 0; i < pieces; i++)
            {
                int piece = reverse ? pieces - 1 - i : i;
                byte marks = piece == 0 ? (byte)0 : datagrams[piece][Fragments.CountOffset];
                Assert.Equal(piece, marks & 15);
                bool done = reassembly.TableOf(1).TryComplete(
                    1, piece, marks >> 4, default, datagrams[piece].AsSpan(piece == 0 ? 0 : 16), 0, out joined, out size, out _);
                Assert.Equal(i == pieces - 1, done);
                if (!done)
                {
                    Assert.False(
                        reassembly.TableOf(1).TryComplete(
                            1, piece, marks >> 4, default, datagrams[piece].AsSpan(piece == 0 ? 0 : 16), 0, out _, out _, out _));
                }
            }

            Assert.Equal(packet, joined.AsSpan(0, size).ToArray());
            reassembly.Clear();
            Assert.Equal(0, drops[DropReason.FragmentTimeout]);
        }
    }

    [Fact]
    public void Pushed_records_round_trip_and_unknown_ones_are_skipped()
    {
        var endPoints = new[] { Vl1Simulation.EndPoint("10.0.0.1"), Vl1Simulation.EndPoint("2001:db8::1") };
        byte[] payload = new byte[200];
        int length = PushDirectPathsMessage.Write(payload, endPoints);
        Assert.Equal(2 + 11 + 23, length);
        var message = new PushDirectPathsMessage(payload.AsSpan(0, length));
        Assert.True(message.TryReadNext(out var first));
        Assert.True(message.TryReadNext(out var second));
        Assert.False(message.TryReadNext(out _));
        Assert.False(message.IsDamaged);
        Assert.Equal(endPoints, new[] { first, second });

        // Forget flag; unknown kind with an extension; then a good one; then a cut one.
        var odd = new PushDirectPathsMessage(
            [0, 4, 1, 0, 0, 4, 6, 1, 2, 3, 4, 0, 5, 0, 0, 2, 9, 9, 77, 3, 1, 2, 3, 0, 0, 0, 4, 6, 1, 2, 3, 4, 0, 5, 0, 0, 0, 4]);
        Assert.True(odd.TryReadNext(out var good));
        Assert.Equal("1.2.3.4:5", good.ToString());
        Assert.False(odd.TryReadNext(out _));
        Assert.True(odd.IsDamaged);
    }

    [Fact]
    public void Expected_replies_name_packet_and_node()
    {
        var expected = new ExpectedReplies();
        var a = new NodeId(5);
        expected.Add(77, a);
        Assert.True(expected.Contains(77, a));
        Assert.False(expected.Contains(78, a));
        Assert.False(expected.Contains(77, new NodeId(6)));
        for (ulong i = 0; i < 100_000; i++)
        {
            expected.Add(i * 0x123456789abcdef1, a);
        }

        Assert.False(expected.Contains(77, a));
    }

    [Fact]
    public void An_empty_slot_of_the_expected_replies_matches_nothing()
    {
        // The ID that cancels the mixing, which whoever answers may quote.
        var node = new NodeId(5);
        ulong quoted = node.Value * 0x9e3779b97f4a7c15;
        Assert.False(new ExpectedReplies().Contains(quoted, node));
        Assert.False(new ExpectedReplies().TryTake(quoted, node));
    }

    [Fact]
    public void Every_drop_reason_has_a_name()
    {
        var drops = new DropCounters();
        foreach (var reason in Enum.GetValues<DropReason>())
        {
            drops.Add(reason);
        }

        var names = new Dictionary<string, long>();
        drops.AddTo(names);
        Assert.Equal(Enum.GetValues<DropReason>().Length, names.Count);
        Assert.Equal(1, names["vl1.mac"]);
        Assert.Equal(1, names["vl1.internal"]);
        Assert.All(names.Keys, name => Assert.StartsWith("vl1.", name, StringComparison.Ordinal));
    }
}
