using System.IO.Pipelines;
using ZeroTier.Managed.IpStack.Tcp;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.IpStack.Tcp;

/// <summary>The receive window follows the path and the application, within its bounds.</summary>
public sealed class ReceiveWindowTuningTests
{
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(20);

    [Fact]
    public void A_long_fast_path_is_filled()
    {
        // 20 MB/s over 200 ms: 4 MB are in flight, four times the first window.
        Assert.InRange(Run(roundTrip: 200, TcpPair.Options), 300_000_000, 400_000_000);
    }

    [Fact]
    public void The_window_is_ahead_of_a_sender_in_slow_start()
    {
        // What arrives in a round trip doubles. The window that is asked for after one fills in the next, when twice as much is in flight.
        var tuning = new ReceiveWindowTuning();
        const long roundTrip = 100 * TimeSpan.TicksPerMillisecond;
        uint delivered = 0;
        for (int round = 1; round < 10; round++)
        {
            uint arrives = 10_000u << round;
            delivered += arrives;
            tuning.Sample(roundTrip, round * roundTrip);
            long wanted = tuning.OnDelivered(delivered, round * roundTrip, unread: 0, leastFactor: 1);
            Assert.True(round < 3 || Math.Abs(wanted - (4 * arrives)) <= 1, $"{wanted} after {arrives} in round {round}");
        }

        // As soon as it does not, or the application does not keep up, twice as much is enough.
        delivered += 10_000u << 9;
        Assert.Equal(2 * (10_000u << 9), tuning.OnDelivered(delivered, 10 * roundTrip, unread: 0, leastFactor: 1));
        delivered += 10_000u << 10;
        Assert.Equal(2 * (10_000u << 10), tuning.OnDelivered(delivered, 11 * roundTrip, unread: (10_000u << 10) + 1, leastFactor: 1));
    }

    [Fact]
    public void The_window_stays_within_its_bound()
    {
        Assert.InRange(Run(roundTrip: 200, TcpPair.Options with { MaxReceiveWindow = 1 << 20 }), 80_000_000, 105_000_000);
    }

    [Fact]
    public void The_window_does_not_grow_beyond_half_of_the_budget()
    {
        using var budget = new BufferBudget(new VirtualClock(), 2 << 20);
        Assert.InRange(Run(roundTrip: 200, TcpPair.Options, budget), 80_000_000, 105_000_000);
    }

    [Fact]
    public void Data_that_queues_on_a_short_path_does_not_enlarge_the_window()
    {
        var tuning = new ReceiveWindowTuning();
        long now = 0;
        uint delivered = 0;
        long wanted = 0;
        for (int i = 0; i < 1000; i++)
        {
            // 10 MB/s, 2 ms once and 100 ms ever after: the queue is where the time goes.
            now += 5 * TimeSpan.TicksPerMillisecond;
            delivered += 50_000;
            tuning.Sample((i == 3 ? 2 : 100) * TimeSpan.TicksPerMillisecond, now);
            wanted = i > 3 ? Math.Max(wanted, tuning.OnDelivered(delivered, now, unread: 0, leastFactor: 1)) : 0;
        }

        Assert.Equal(2 * 20_000, wanted);
    }

    [Fact]
    public void A_path_that_became_longer_is_measured_anew()
    {
        var tuning = new ReceiveWindowTuning();
        uint delivered = 0;
        long wanted = 0;
        for (long now = 0; now < 30 * TimeSpan.TicksPerSecond; now += 5 * TimeSpan.TicksPerMillisecond)
        {
            delivered += 50_000;
            tuning.Sample((now < TimeSpan.TicksPerSecond ? 2 : 100) * TimeSpan.TicksPerMillisecond, now);
            wanted = Math.Max(wanted, tuning.OnDelivered(delivered, now, unread: 0, leastFactor: 1));
        }

        Assert.Equal(2_000_000, wanted);
    }

    private static long Run(int roundTrip, TcpSocketOptions options, BufferBudget? budget = null)
    {
        using var pair = new TcpPair(5, TcpLayerOptions.Default with { Budget = budget });
        pair.Link.IsTraced = false;
        (TcpSocket client, TcpSocket server) = pair.Connect(options);
        pair.Link.Conditions.Delay = TimeSpan.FromMilliseconds(roundTrip / 2.0);
        pair.Link.Conditions.Bandwidth = 20_000_000;
        pair.Link.Conditions.QueueLimit = 4_000_000;
        long received = 0;
        _ = WriteAsync(server.Output);
        _ = ReadAsync(client.Input);
        pair.Clock.Advance(Duration);
        return received;

        static async Task WriteAsync(PipeWriter writer)
        {
            do
            {
                writer.Advance(writer.GetMemory(4096).Length);
            }
            while (!(await writer.FlushAsync()).IsCompleted);
        }

        async Task ReadAsync(PipeReader reader)
        {
            while (true)
            {
                ReadResult result = await reader.ReadAsync();
                received += result.Buffer.Length;
                reader.AdvanceTo(result.Buffer.End);
            }
        }
    }
}
