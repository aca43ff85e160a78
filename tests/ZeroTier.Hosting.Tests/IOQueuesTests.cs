using Microsoft.Extensions.Logging.Abstractions;

namespace ZeroTier.Hosting.Tests;

/// <summary>The queues on which connections read and write.</summary>
public sealed class IOQueuesTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Under_load_run_everything_once_and_in_order()
    {
        var queues = new IOQueues(4, NullLogger.Instance);
        var done = new TaskCompletionSource();
        object state = new();
        var seen = new List<int>();
        for (int i = 0; i < 10_000; i++)
        {
            int number = i;
            queues.Schedule(_ =>
            {
                seen.Add(number);
                if (number == 9_999)
                {
                    done.SetResult();
                }
            }, state);
        }

        await done.Task.WaitAsync(Limit, Cancel);
        Assert.Equal(Enumerable.Range(0, 10_000), seen);
    }

    [Fact]
    public void Items_that_come_while_the_queue_runs_dry_are_run()
    {
        var queues = new IOQueues(1, NullLogger.Instance);
        object state = new();
        int ran = 0;
        for (int i = 1; i <= 5_000; i++)
        {
            // The next one comes when the last one has just run, which is when the queue's thread is about to leave.
            queues.Schedule(_ => Volatile.Write(ref ran, ran + 1), state);
            Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref ran) == i, Limit), $"Item {i} was left lying.");
        }
    }

    [Fact]
    public async Task Rule_6_14_An_item_that_throws_costs_the_others_of_its_queue_nothing()
    {
        var logs = new LogCollector();
        var queues = new IOQueues(1, logs.CreateLogger("queues"));
        var done = new TaskCompletionSource();
        queues.Schedule(_ => throw new InvalidDataException("The item failed."), this);
        queues.Schedule(_ => done.SetResult(), this);

        await done.Task.WaitAsync(Limit, Cancel);
        Assert.IsType<InvalidDataException>(Assert.Single(logs.Lines).Exception);
    }
}
