using System.Buffers.Binary;
using ZeroTier.Managed.IpStack;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.IpStack;

public sealed class ReassemblerTests : IDisposable
{
    private readonly VirtualClock _clock = new();
    private readonly IpDropCounters _drops = new();
    private readonly List<byte[]> _timedOut = [];
    private readonly IpReassembly _reassembler;
    private readonly byte[] _header = new byte[40];
    private readonly byte[] _data = new byte[65536];

    public ReassemblerTests()
    {
        _reassembler = new IpReassembly(_clock, _drops, packet => _timedOut.Add(packet.ToArray()));
        new SeededRandom(1).Fill(_data);
        new SeededRandom(2).Fill(_header);
    }

    public void Dispose() => _reassembler.Dispose();

    [Fact]
    public void Fragments_in_any_order_give_the_packet()
    {
        for (ulong seed = 1; seed <= 50; seed++)
        {
            var random = new SeededRandom(seed);
            var cuts = new List<(int Start, int End)>();
            int total = 8 + random.Next(8000);
            for (int at = 0; at < total;)
            {
                int end = Math.Min(total, at + 8 * (1 + random.Next(60)));
                cuts.Add((at, end));
                at = end;
            }

            byte[]? whole = null;
            while (cuts.Count > 0)
            {
                int pick = random.Next(cuts.Count);
                var (start, end) = cuts[pick];
                cuts.RemoveAt(pick);
                whole = Add(Key(1, (uint)seed), start, end, end < total);
                Assert.Equal(cuts.Count == 0, whole is not null);
            }

            Assert.Equal(_data[..total], whole![40..]);
            Assert.Equal(total, BinaryPrimitives.ReadUInt16BigEndian(whole.AsSpan(4)));
        }

        Assert.Equal(0, _reassembler.Count);
        Assert.Equal(0, _reassembler.BufferedBytes);
        Assert.Equal(0, _drops[IpDrop.Fragment]);
    }

    [Theory]
    [InlineData(0, 16, 8, 24)]
    [InlineData(8, 24, 0, 16)]
    [InlineData(0, 32, 8, 16)]
    [InlineData(8, 16, 0, 32)]
    public void Overlap_condemns_the_packet(int start1, int end1, int start2, int end2)
    {
        var key = Key(1, 1);
        Assert.Null(Add(key, start1, end1, more: true));
        Assert.Null(Add(key, start2, end2, more: true));
        Assert.Equal(0, _reassembler.BufferedBytes);

        // RFC 5722, 3: those still to come are dropped too.
        Assert.Null(Add(key, 0, 32, more: true));
        Assert.Null(Add(key, 32, 40, more: false));
        Assert.Equal(3, _drops[IpDrop.Fragment]);
    }

    [Fact]
    public void Repeated_fragments_do_no_harm()
    {
        var key = Key(1, 1);
        Assert.Null(Add(key, 16, 20, more: false));
        Assert.Null(Add(key, 16, 20, more: false));
        Assert.Null(Add(key, 0, 8, more: true));
        Assert.Null(Add(key, 0, 8, more: true));
        Assert.Equal(_data[..20], Add(key, 8, 16, more: true)![40..]);
        Assert.Equal(0, _drops[IpDrop.Fragment]);
    }

    [Fact]
    public void Two_different_ends_condemn_the_packet()
    {
        Assert.Null(Add(Key(1, 1), 16, 20, more: false));
        Assert.Null(Add(Key(1, 1), 24, 32, more: false));
        Assert.Null(Add(Key(1, 2), 16, 24, more: true));
        Assert.Null(Add(Key(1, 2), 8, 16, more: false));
        Assert.Null(Add(Key(1, 3), 8, 16, more: false));
        Assert.Null(Add(Key(1, 3), 16, 24, more: true));
        Assert.Equal(3, _drops[IpDrop.Fragment]);
    }

    [Theory]
    [InlineData(0, 9, true)]
    [InlineData(8, 8, false)]
    [InlineData(65528, 65536, false)]
    public void Impossible_fragments_are_refused(int start, int end, bool more)
    {
        Assert.Null(Add(Key(1, 1), start, end, more));
        Assert.Equal(0, _reassembler.Count);
        Assert.Equal(1, _drops[IpDrop.Fragment]);
    }

    [Fact]
    public void What_stays_incomplete_is_given_up_after_30_seconds()
    {
        Add(Key(1, 1), 0, 16, more: true);
        Add(Key(1, 1), 32, 40, more: true);
        Add(Key(1, 2), 8, 16, more: true);
        _clock.Advance(TimeSpan.FromSeconds(29.9));
        Assert.Equal(2, _reassembler.Count);
        _clock.Advance(TimeSpan.FromSeconds(0.2));
        Assert.Equal(0, _reassembler.Count);
        Assert.Equal(0, _reassembler.BufferedBytes);
        Assert.Equal(2, _drops[IpDrop.ReassemblyTimeout]);

        // Only of the one whose first fragment had come is there something to report.
        Assert.Equal(_data[..16], Assert.Single(_timedOut)[40..]);
    }

    [Fact]
    public void Flood_of_fragments_stays_within_its_bounds()
    {
        var random = new SeededRandom(7);
        for (int i = 0; i < 8_000; i++)
        {
            int start = 8 * random.Next(8000);
            Add(Key((byte)random.Next(200), (uint)random.Next(1000)), start, start + 8 * (1 + random.Next(100)), random.Chance(0.9));
            Assert.InRange(_reassembler.Count, 0, IpReassembly.MaxPackets);
            Assert.InRange(_reassembler.BufferedBytes, 0, IpReassembly.MaxBytes);
        }
    }

    [Fact]
    public void One_sender_cannot_push_out_the_others()
    {
        Add(Key(1, 1), 0, 8, more: true);
        for (uint i = 0; i < 1000; i++)
        {
            Add(Key(2, i), 0, 8, more: true);
        }

        Assert.Equal(_data[..16], Add(Key(1, 1), 8, 16, more: false)![40..]);
    }

    private byte[]? Add(FragmentKey key, int start, int end, bool more)
    {
        if (!_reassembler.TryAdd(key, _header, start, _data.AsSpan(start, end - start), more, out var packet))
        {
            return null;
        }

        using (packet)
        {
            return packet.Span.ToArray();
        }
    }

    [Fact]
    public void One_member_with_many_addresses_cannot_push_out_the_others()
    {
        var honest = Key(1, 1) with { Sender = FrameWire.Mac(1) };
        Add(honest, 0, 8, more: true);
        for (uint i = 0; i < 1000; i++)
        {
            Add(Key((byte)(2 + i % 200), i) with { Sender = FrameWire.Mac(2) }, 0, 8, more: true);
        }

        Assert.Equal(_data[..16], Add(honest, 8, 16, more: false)![40..]);
    }

    private static FragmentKey Key(byte source, uint id) => new(FrameWire.V6(source), FrameWire.V6(250), id, 0);
}
