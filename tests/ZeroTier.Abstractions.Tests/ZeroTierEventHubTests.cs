using System.IO.Pipelines;

namespace ZeroTier.Tests;

public class ZeroTierEventHubTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Publish_several_subscribers_all_get_everything_in_order()
    {
        using var hub = new ZeroTierEventHub();
        using var one = hub.Subscribe(16);
        using var two = hub.Subscribe(16);

        Publish(hub, 3);
        hub.Dispose();

        Assert.Equal([0, 1, 2], await Drain(one));
        Assert.Equal([0, 1, 2], await Drain(two));
    }

    [Fact]
    public async Task Publish_slow_subscriber_loses_its_newest_and_nobody_elses()
    {
        using var hub = new ZeroTierEventHub();
        using var slow = hub.Subscribe(2);
        using var wide = hub.Subscribe(100);

        Publish(hub, 10);
        hub.Dispose();

        Assert.Equal(8, slow.Dropped);
        Assert.Equal(0, wide.Dropped);
        Assert.Equal([0, 1], await Drain(slow));
        Assert.Equal(10, (await Drain(wide)).Count);
    }

    [Fact]
    public async Task Read_all_async_reader_waits_is_woken_by_the_next_event()
    {
        using var hub = new ZeroTierEventHub();
        using var subscription = hub.Subscribe(4);
        var reading = Drain(subscription);

        Publish(hub, 1);
        hub.Dispose();

        Assert.Equal([0], await reading.WaitAsync(Limit, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Read_all_async_cancelled_throws_and_the_subscription_goes_on()
    {
        using var hub = new ZeroTierEventHub();
        using var subscription = hub.Subscribe(4);
        using var stop = new CancellationTokenSource();
        var reading = Drain(subscription, stop.Token);

        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading.WaitAsync(Limit, TestContext.Current.CancellationToken));
        Publish(hub, 1);
        hub.Dispose();

        Assert.Equal([0], await Drain(subscription));
    }

    [Fact]
    public async Task Dispose_subscription_with_a_waiting_reader_ends_the_reader()
    {
        using var hub = new ZeroTierEventHub();
        var subscription = hub.Subscribe(4);
        var reading = Drain(subscription);

        subscription.Dispose();

        Assert.Empty(await reading.WaitAsync(Limit, TestContext.Current.CancellationToken));
        Assert.Equal(0, hub.SubscriptionCount);
        Publish(hub, 1);
    }

    [Fact]
    public async Task Subscribe_disposed_hub_is_at_its_end()
    {
        var hub = new ZeroTierEventHub();
        hub.Dispose();

        Assert.Empty(await Drain(hub.Subscribe(1)));
    }

    [Fact]
    public async Task Publish_inline_scheduler_runs_the_reader_before_it_returns()
    {
        using var hub = new ZeroTierEventHub(PipeScheduler.Inline);
        using var subscription = hub.Subscribe(4);
        int seen = 0;
        async Task Read()
        {
            await foreach (var _ in subscription.ReadAllAsync(TestContext.Current.CancellationToken).ConfigureAwait(false))
            {
                seen++;
            }
        }

        var task = Read();
        Publish(hub, 1);

        Assert.Equal(1, seen);
        hub.Dispose();
        await task.WaitAsync(Limit, TestContext.Current.CancellationToken);
    }

    [Fact]
    public void Subscribe_no_capacity_throws()
    {
        using var hub = new ZeroTierEventHub();

        Assert.Throws<ArgumentOutOfRangeException>(() => hub.Subscribe(0));
    }

    private static void Publish(ZeroTierEventHub hub, int count)
    {
        for (int i = 0; i < count; i++)
        {
            hub.Publish(new ZeroTierEvent(ZeroTierEventCode.NodeUp, DateTimeOffset.UnixEpoch.AddSeconds(i)));
        }
    }

    private static async Task<List<int>> Drain(IZeroTierEventSubscription subscription, CancellationToken? stop = null)
    {
        var seen = new List<int>();
        await foreach (var item in subscription.ReadAllAsync(stop ?? TestContext.Current.CancellationToken).ConfigureAwait(false))
        {
            seen.Add((int)item.Time.ToUnixTimeSeconds());
        }

        return seen;
    }
}
