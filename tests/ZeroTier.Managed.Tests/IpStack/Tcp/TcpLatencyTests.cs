using ZeroTier.Managed.IpStack.Tcp;

namespace ZeroTier.Managed.Tests.IpStack.Tcp;

/// <summary>Small requests beside bulk on the same path.</summary>
public sealed class TcpLatencyTests
{
    private const long Bandwidth = 5_000_000;
    private static readonly TimeSpan RoundTrip = TimeSpan.FromMilliseconds(20);

    // CUBIC fills a queue, BBR does not: its neighbours wait for a round trip more at most. A shorter queue beside CUBIC loses one answer
    // in a hundred, and that waits for the retransmission timer.
    [Theory]
    [InlineData(CongestionControl.Bbr, 128, 0)]
    [InlineData(CongestionControl.Bbr, 4096, 0)]
    [InlineData(CongestionControl.Cubic, 512, 512)]
    public void Beside_bulk_99_of_100_small_requests_take_at_most_twice_the_idle_time_and_the_queue(
        CongestionControl control, int queue, int filled)
    {
        TcpSocketOptions options = TcpPair.Options with { CongestionControl = control };
        using var path = new SharedPath(roundTrip: 20, Bandwidth, queue * 1024);
        IReadOnlyList<TimeSpan> times = path.Ask(options, interval: TimeSpan.FromMilliseconds(10));
        path.Run(seconds: 1);
        Assert.InRange(Percentile(times, 0, 99), RoundTrip, RoundTrip + TimeSpan.FromMilliseconds(1));
        path.Add(options);
        path.Run(seconds: 5);
        int before = times.Count;
        path.Run(seconds: 60);
        Assert.InRange(
            Percentile(times, before, 99), RoundTrip, 2 * RoundTrip + TimeSpan.FromSeconds(filled * 1024.0 / Bandwidth));
    }

    private static TimeSpan Percentile(IReadOnlyList<TimeSpan> times, int from, int percent)
    {
        TimeSpan[] sorted = [.. times.Skip(from).Order()];
        return sorted[Math.Min(sorted.Length - 1, sorted.Length * percent / 100)];
    }
}
