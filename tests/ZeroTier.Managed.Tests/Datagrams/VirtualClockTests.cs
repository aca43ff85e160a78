using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.Datagrams;

public sealed class VirtualClockTests
{
    [Fact]
    public void Timers_run_in_order_of_time_then_of_creation()
    {
        var clock = new VirtualClock();
        var order = new List<string>();
        using var late = clock.CreateTimer(_ => order.Add("late"), null, TimeSpan.FromSeconds(2), Timeout.InfiniteTimeSpan);
        using var first = clock.CreateTimer(_ => order.Add("first"), null, TimeSpan.FromSeconds(1), Timeout.InfiniteTimeSpan);
        using var second = clock.CreateTimer(_ => order.Add("second"), null, TimeSpan.FromSeconds(1), Timeout.InfiniteTimeSpan);

        clock.Advance(TimeSpan.FromSeconds(1.5));
        Assert.Equal(["first", "second"], order);
        Assert.Equal(TimeSpan.FromSeconds(1.5), clock.Elapsed);

        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(["first", "second", "late"], order);
    }

    [Fact]
    public void A_changed_or_disposed_timer_does_not_fire_at_its_old_time()
    {
        var clock = new VirtualClock();
        var fired = new List<TimeSpan>();
        using var changed = clock.CreateTimer(_ => fired.Add(clock.Elapsed), null, TimeSpan.FromSeconds(1), Timeout.InfiniteTimeSpan);
        var disposed = clock.CreateTimer(_ => fired.Add(TimeSpan.Zero), null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));
        changed.Change(TimeSpan.FromSeconds(3), Timeout.InfiniteTimeSpan);
        disposed.Dispose();

        clock.Advance(TimeSpan.FromSeconds(10));

        Assert.Equal([TimeSpan.FromSeconds(3)], fired);
        Assert.False(disposed.Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan));
    }

    [Fact]
    public void A_periodic_timer_repeats_and_sees_the_exact_time()
    {
        var clock = new VirtualClock();
        var fired = new List<double>();
        using var timer = clock.CreateTimer(_ => fired.Add(clock.Elapsed.TotalSeconds), null, TimeSpan.Zero, TimeSpan.FromSeconds(2));

        clock.Advance(TimeSpan.FromSeconds(5));

        Assert.Equal([0, 2, 4], fired);
    }

    [Fact]
    public void RunUntil_stops_at_the_event_that_makes_the_condition_true()
    {
        var clock = new VirtualClock();
        int count = 0;
        using var timer = clock.CreateTimer(_ => count++, null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));

        Assert.True(clock.RunUntil(() => count == 3, TimeSpan.FromSeconds(10)));
        Assert.Equal(TimeSpan.FromSeconds(3), clock.Elapsed);
        Assert.False(clock.RunUntil(() => count == 100, TimeSpan.FromSeconds(10)));
        Assert.Equal(TimeSpan.FromSeconds(13), clock.Elapsed);
    }

    [Fact]
    public void Asynchronous_code_runs_on_the_driving_thread_in_virtual_time()
    {
        var clock = new VirtualClock();
        int thread = Environment.CurrentManagedThreadId;

        int result = clock.Run(
            async () =>
            {
                await Task.Delay(TimeSpan.FromHours(3), clock);
                await Task.Delay(TimeSpan.FromHours(4), clock).ConfigureAwait(false);
                return Environment.CurrentManagedThreadId;
            },
            TimeSpan.FromDays(1));

        Assert.Equal(thread, result);
        Assert.Equal(TimeSpan.FromHours(7), clock.Elapsed);
    }

    [Fact]
    public void Code_that_never_completes_ends_at_the_limit()
    {
        var clock = new VirtualClock();
        Assert.Throws<TimeoutException>(() => clock.Run(() => new TaskCompletionSource().Task, TimeSpan.FromMinutes(1)));
        Assert.Equal(TimeSpan.FromMinutes(1), clock.Elapsed);
    }

    [Fact]
    public void Driving_from_within_an_event_is_refused()
    {
        var clock = new VirtualClock();
        clock.Schedule(TimeSpan.Zero, () => clock.Advance(TimeSpan.FromSeconds(1)));
        Assert.Throws<InvalidOperationException>(clock.RunUntilIdle);
    }

    [Fact]
    public void Equal_seeds_give_equal_sequences_and_forks_differ()
    {
        var (first, second, other) = (new SeededRandom(7), new SeededRandom(7), new SeededRandom(8));
        var (a, b, c, d) = (new byte[33], new byte[33], new byte[33], new byte[33]);
        first.Fill(a);
        second.Fill(b);
        other.Fill(c);
        first.Fork().Fill(d);

        Assert.Equal(a, b);
        Assert.NotEqual(a, c);
        Assert.NotEqual(a, d);
        for (int i = 0; i < 1000; i++)
        {
            Assert.InRange(first.Next(10), 0, 9);
            Assert.InRange(first.NextDouble(), 0, 0.9999999999999999);
        }
    }
}
