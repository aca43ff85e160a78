using ZeroTier.Managed.IpStack.Tcp;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.IpStack.Tcp;

public sealed class ChunkPoolTests
{
    private const int Window = 16 << 20;

    [Fact]
    public void Connections_that_fill_their_windows_out_of_order_leave_something_for_others()
    {
        using var budget = new BufferBudget(new VirtualClock(), long.MaxValue);
        var pool = new ChunkPool(64L << 20, budget);
        for (int i = 0; i < 4; i++)
        {
            Fill(pool);
        }

        Assert.InRange(Fill(pool), 2 << 20, Window);
    }

    [Fact]
    public void One_connection_alone_may_fill_its_window()
    {
        using var budget = new BufferBudget(new VirtualClock(), long.MaxValue);
        Assert.Equal(Window, Fill(new ChunkPool(64L << 20, budget)));
    }

    private static int Fill(ChunkPool pool)
    {
        int held = 0;
        while (held < Window && pool.TryRentOutOfOrder(held) is not null)
        {
            held += ChunkPool.ChunkSize;
        }

        return held;
    }
}
