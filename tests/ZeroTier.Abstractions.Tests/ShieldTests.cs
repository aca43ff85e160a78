using System.IO.Pipelines;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;
using ZeroTier.Engines;

namespace ZeroTier.Tests;

/// <summary>What stands between an engine's threads and what an application supplies (rule 6.14).</summary>
public class ShieldTests
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(20);

    private readonly FakeLogger _log = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private IEnumerable<string?> Names => _log.Collector.GetSnapshot().Select(record => record.Id.Name);

    [Fact]
    public void Rule_6_14_Schedulers_that_cannot_fail_are_left_as_they_are()
    {
        Assert.Same(PipeScheduler.ThreadPool, ShieldedScheduler.Around(PipeScheduler.ThreadPool, _log));
        Assert.Same(PipeScheduler.Inline, ShieldedScheduler.Around(PipeScheduler.Inline, _log));
        var shielded = ShieldedScheduler.Around(new Scheduler((_, _) => { }), _log);
        Assert.Same(shielded, ShieldedScheduler.Around(shielded, _log));
        Assert.Same(ZeroTierConnectionOptions.Default, ShieldedScheduler.Around(ZeroTierConnectionOptions.Default, _log));
    }

    [Fact]
    public async Task Rule_6_14_What_a_scheduler_refuses_runs_on_the_thread_pool()
    {
        var scheduler = ShieldedScheduler.Around(new Scheduler((_, _) => throw new InvalidDataException("No.")), _log);
        for (int i = 0; i < 3; i++)
        {
            var ran = new TaskCompletionSource<object?>();
            scheduler.Schedule(ran.SetResult, this);
            Assert.Same(this, await ran.Task.WaitAsync(s_limit, Cancel));
        }

        Assert.Equal("SchedulerFailed", Assert.Single(Names));
    }

    [Fact]
    public async Task Rule_6_14_What_a_scheduler_runs_before_it_throws_does_not_run_again()
    {
        int runs = 0;
        var scheduler = ShieldedScheduler.Around(
            new Scheduler((action, state) =>
            {
                action(state);
                action(state);
                throw new InvalidDataException("Late.");
            }),
            _log);
        scheduler.Schedule(_ => Interlocked.Increment(ref runs), null);
        var behind = new TaskCompletionSource();
        ThreadPool.UnsafeQueueUserWorkItem(_ => behind.SetResult(), null);
        await behind.Task.WaitAsync(s_limit, Cancel);
        Assert.Equal(1, runs);
    }

    [Fact]
    public void Rule_6_14_What_work_throws_stays_in_it()
    {
        var scheduler = ShieldedScheduler.Around(new Scheduler((action, state) => action(state)), _log);
        scheduler.Schedule(_ => throw new InvalidDataException("The work failed."), null);
        Assert.Equal("ScheduledWorkFailed", Assert.Single(Names));
    }

    [Fact]
    public void Rule_6_14_A_timer_whose_work_throws_goes_on()
    {
        var clock = new FakeTimeProvider();
        int ticks = 0;
        using var timer = new ShieldedTime(clock, _log).CreateTimer(
            state =>
            {
                Assert.Same(this, state);
                ticks++;
                throw new InvalidDataException("The tick failed.");
            },
            this, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));
        clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(2, ticks);
        Assert.Equal(["TimerFailed", "TimerFailed"], Names);
    }

    [Fact]
    public void Rule_6_14_A_shielded_clock_is_the_clock()
    {
        var clock = new FakeTimeProvider();
        var shielded = new ShieldedTime(clock, _log);
        Assert.Equal(clock.GetTimestamp(), shielded.GetTimestamp());
        Assert.Equal(clock.TimestampFrequency, shielded.TimestampFrequency);
        Assert.Equal(clock.GetUtcNow(), shielded.GetUtcNow());
        Assert.Same(clock.LocalTimeZone, shielded.LocalTimeZone);
    }

    private sealed class Scheduler(Action<Action<object?>, object?> schedule) : PipeScheduler
    {
        public override void Schedule(Action<object?> action, object? state) => schedule(action, state);
    }
}
