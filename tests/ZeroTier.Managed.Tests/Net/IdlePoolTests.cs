using ZeroTier.Managed.Net;

namespace ZeroTier.Managed.Tests.Net;

public sealed class IdlePoolTests
{
    private const int Capacity = 16;
    private readonly IdlePool<object> _pool = new();

    [Fact]
    public void What_was_returned_is_taken_once()
    {
        Assert.Null(_pool.TryTake());
        object[] returned = [.. Enumerable.Range(0, Capacity).Select(_ => new object())];
        Array.ForEach(returned, _pool.Return);

        object[] taken = [.. Enumerable.Range(0, Capacity).Select(_ => _pool.TryTake()!)];
        Assert.Equal(Capacity, taken.Intersect(returned).Count());
        Assert.Null(_pool.TryTake());
    }

    [Fact]
    public void What_does_not_fit_is_let_go()
    {
        for (int i = 0; i < Capacity + 5; i++)
        {
            _pool.Return(new object());
        }

        Assert.Equal(Capacity, Enumerable.Range(0, Capacity + 5).Count(_ => _pool.TryTake() is not null));
    }

    [Fact]
    public void No_two_threads_have_the_same_one()
    {
        Parallel.For(0, 8, _ =>
        {
            for (int i = 0; i < 20_000; i++)
            {
                var mine = (Owned?)_pool.TryTake() ?? new Owned();
                Assert.Equal(1, Interlocked.Increment(ref mine.Owners));
                Interlocked.Decrement(ref mine.Owners);
                _pool.Return(mine);
            }
        });
    }

    private sealed class Owned
    {
        public int Owners;
    }
}
