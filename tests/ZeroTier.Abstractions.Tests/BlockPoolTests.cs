using System.Buffers;
using ZeroTier.Simulation;

namespace ZeroTier.Abstractions.Tests;

public sealed class BlockPoolTests
{
    [Fact]
    public void Rent_after_return_gives_the_same_block_and_allocates_nothing()
    {
        using var pool = new BlockPool();
        Assert.Equal(0, Allocations.Of(() =>
        {
            for (int i = 0; i < 1000; i++)
            {
                IMemoryOwner<byte> block = pool.Rent(BlockPool.BlockSize);
                block.Memory.Span[0] = 1;
                block.Dispose();
            }
        }));
        Assert.Equal(1, pool.IdleCount);
    }

    [Fact]
    public void Dispose_twice_returns_the_block_once()
    {
        using var pool = new BlockPool();
        IMemoryOwner<byte> block = pool.Rent();
        block.Dispose();
        block.Dispose();
        Assert.Equal(1, pool.IdleCount);
        Assert.Throws<ObjectDisposedException>(() => block.Memory);
        IMemoryOwner<byte> first = pool.Rent();
        IMemoryOwner<byte> second = pool.Rent();
        Assert.NotSame(first, second);
    }

    [Fact]
    public void Return_beyond_the_bound_lets_blocks_go()
    {
        using var pool = new BlockPool();
        IMemoryOwner<byte>[] blocks = [.. Enumerable.Range(0, BlockPool.MaxIdle + 10).Select(_ => pool.Rent())];
        foreach (IMemoryOwner<byte> block in blocks)
        {
            block.Dispose();
        }

        Assert.Equal(BlockPool.MaxIdle, pool.IdleCount);
    }

    [Fact]
    public void Rent_more_than_a_block_is_refused()
    {
        using var pool = new BlockPool();
        Assert.Throws<ArgumentOutOfRangeException>(() => pool.Rent(BlockPool.BlockSize + 1));
    }

    [Fact]
    public async Task Rent_and_return_from_many_threads_never_shares_a_block()
    {
        using var pool = new BlockPool();
        await Task.WhenAll(Enumerable.Range(0, 4).Select(thread => Task.Run(() =>
        {
            for (int i = 0; i < 20_000; i++)
            {
                using IMemoryOwner<byte> block = pool.Rent();
                block.Memory.Span.Fill((byte)thread);
                Assert.Equal(-1, block.Memory.Span.IndexOfAnyExcept((byte)thread));
            }
        }, TestContext.Current.CancellationToken))).WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
        Assert.InRange(pool.IdleCount, 1, 4);
    }
}
