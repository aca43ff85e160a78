using System.Buffers;
using ZeroTier.Managed.Vl1;

namespace ZeroTier.Managed.Tests.Vl1;

/// <summary>Which incomplete packet gives way when there is no room: the one begun first, also among those of one millisecond.</summary>
public sealed class ReassemblyTests
{
    private readonly DropCounters _drops = new();
    private readonly ReassemblyTable _reassembly;

    public ReassemblyTests() => _reassembly = new ReassemblyTable(_drops);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void A_full_table_gives_up_the_packet_that_was_begun_first(int millisecondsBetween)
    {
        long now = 0;
        for (int i = 0; i <= Vl1Limits.ReassemblySlots; i++)
        {
            Assert.False(Add(i, source: i, piece: 0, now += millisecondsBetween));
        }

        Assert.Equal(1, _drops[DropReason.Fragment]);
        for (int i = 1; i <= Vl1Limits.ReassemblySlots; i++)
        {
            Assert.True(Add(i, source: i, piece: 1, now), $"packet {i} was given up");
        }

        Assert.False(Add(0, source: 0, piece: 1, now));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void A_source_with_its_share_gives_up_its_own_packet_that_was_begun_first(int millisecondsBetween)
    {
        long now = 0;
        Assert.False(Add(1000, source: 2, piece: 0, now));
        for (int i = 0; i <= Vl1Limits.ReassemblySlotsPerSource; i++)
        {
            Assert.False(Add(i, source: 1, piece: 0, now += millisecondsBetween));
        }

        Assert.True(Add(1000, source: 2, piece: 1, now));
        for (int i = 1; i <= Vl1Limits.ReassemblySlotsPerSource; i++)
        {
            Assert.True(Add(i, source: 1, piece: 1, now), $"packet {i} was given up");
        }

        Assert.False(Add(0, source: 1, piece: 1, now));
    }

    // One of two pieces of a packet. True when the packet is whole.
    private bool Add(int packet, int source, int piece, long now)
    {
        var info = new PacketInfo((ulong)packet + 1, 0, 0, Vl1Simulation.EndPoint($"10.0.{source}.1"));
        bool complete = _reassembly.TryComplete(
            info.PacketId, piece, piece == 0 ? 0 : 2, info, new byte[40], now, out byte[]? joined, out _, out _);
        if (joined is not null)
        {
            ArrayPool<byte>.Shared.Return(joined);
        }

        return complete;
    }
}
