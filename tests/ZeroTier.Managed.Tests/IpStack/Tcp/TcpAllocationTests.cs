using System.Buffers;
using ZeroTier.Managed.IpStack.Tcp;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.IpStack.Tcp;

/// <summary>In steady state no segment costs an allocation, in either direction.</summary>
public sealed class TcpAllocationTests
{
    [Theory]
    [InlineData(100)]
    [InlineData(30_000)]
    public void Data_path_many_segments_both_ways_allocates_nothing(int write)
    {
        using MemoryPool<byte> pool = new BlockPool();
        using var wire = new QuietWire(pool, new SeededRandom(1));
        Assert.Equal(0, Allocations.Of(() => Exchange(wire, write, 1000)));
        Assert.True(wire.SegmentsSent >= 4000, "Too few segments to tell.");
    }

    private static void Exchange(QuietWire wire, int write, int rounds)
    {
        long expected = 2L * rounds * write;
        long received = 0;
        for (int i = 0; i < rounds; i++)
        {
            QuietWire.Write(wire.Client, write);
            wire.Pump();
            received += QuietWire.Read(wire.Server);
            QuietWire.Write(wire.Server, write);
            wire.Pump();
            received += QuietWire.Read(wire.Client);
        }

        if (received != expected)
        {
            throw new InvalidOperationException($"{received} of {expected} bytes arrived.");
        }
    }
}
