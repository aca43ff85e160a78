using ZeroTier.Managed.IpStack.Tcp;
using ZeroTier.Managed.IpStack.Tcp.Congestion;

namespace ZeroTier.Managed.Tests.IpStack.Tcp;

/// <summary>Whole connections with BBR over paths in virtual time: what it gets, what it leaves to others, how much it queues.</summary>
public sealed class BbrTests
{
    private static readonly TcpSocketOptions WithBbr = TcpPair.Options with { CongestionControl = CongestionControl.Bbr };
    private static readonly TcpSocketOptions WithCubic = TcpPair.Options with { CongestionControl = CongestionControl.Cubic };

    [Theory]
    [InlineData(20, 0, 0.85)]
    [InlineData(20, 1, 0.8)]
    [InlineData(20, 5, 0.7)]
    [InlineData(20, 10, 0.5)]
    [InlineData(100, 0, 0.6)]
    [InlineData(100, 0.1, 0.6)]
    [InlineData(100, 5, 0.6)]
    public void Random_loss_does_not_slow_it_down(int roundTrip, double loss, double share)
    {
        using var path = new SharedPath(roundTrip, 5_000_000, queue: 256 * 1024, loss);
        SharedPath.Flow flow = path.Add(WithBbr);
        path.Run(seconds: 20);
        Assert.InRange(flow.Received / 20.0, share * 5_000_000, 5_000_000);
    }

    // A window of 10 segments that doubles each round trip is 2.5 MB, all that the path holds, after 1.5 s. Whatever holds it up, the
    // receive window or rates of the first rounds that were taken for those of the path, costs a round trip: more than a megabyte here.
    [Fact]
    public void Slow_start_over_a_long_path_is_held_up_by_nothing_else()
    {
        using var path = new SharedPath(roundTrip: 200, 12_500_000, queue: 2 << 20);
        SharedPath.Flow flow = path.Add(WithBbr);
        path.Run(seconds: 2);
        Assert.InRange(flow.Received, 5_700_000, 10_000_000);
    }

    // After a spurious timeout the first transmissions are acknowledged right behind the retransmissions: that is not the rate of the path.
    [Fact]
    public void A_sample_shorter_than_a_round_trip_tells_no_rate()
    {
        var control = new Bbr(1000, seed: 1);
        long delivered = 0;
        long now = 0;
        for (int i = 0; i < 100; i++)
        {
            now += TimeSpan.TicksPerMillisecond;
            delivered += 5_000;
            control.OnAcknowledged(Sample(now, delivered, 5_000, prior: delivered - 100_000, interval: 20 * TimeSpan.TicksPerMillisecond));
        }

        long before = control.PacingRate;
        control.OnAcknowledged(
            Sample(now, delivered + 1_000_000, 1_000_000, prior: delivered, interval: TimeSpan.TicksPerMillisecond / 10));
        Assert.InRange(control.PacingRate, before / 3, before);

        static AckSample Sample(long now, long total, int acknowledged, long prior, long interval) => new()
        {
            Now = now,
            Acknowledged = acknowledged,
            Limited = true,
            Recovering = false,
            RoundTrip = 20 * TimeSpan.TicksPerMillisecond,
            Acknowledgement = (uint)total,
            SendNext = (uint)total + 100_000,
            Delivered = acknowledged,
            TotalDelivered = total,
            Lost = 0,
            InFlight = 100_000,
            Rate = new RateSample { IsValid = true, PriorDelivered = Math.Max(prior, 0), Interval = interval, InFlight = 100_000 },
        };
    }

    // What is lost there is lost without a queue, as on a radio link; but it is lost only when too much is sent.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_very_short_queue_is_not_flooded(int flows)
    {
        using var path = new SharedPath(roundTrip: 20, 5_000_000, queue: 10_000);
        for (int i = 0; i < flows; i++)
        {
            path.Add(WithBbr);
        }

        path.Run(seconds: 5);
        (long sent, long again) = (path.Sent, path.SentAgain);
        path.Run(seconds: 40);
        double share = (path.SentAgain - again) / (double)(path.Sent - sent);
        Assert.InRange(share, 0, 0.03);
    }

    [Fact]
    public void A_deep_queue_stays_short()
    {
        using var path = new SharedPath(roundTrip: 20, 5_000_000, queue: 4 << 20);
        SharedPath.Flow bulk = path.Add(WithBbr);
        path.Run(seconds: 20);
        Assert.InRange(bulk.Received / 20.0, 0.85 * 5_000_000, 5_000_000);

        // The round trip is the path's and at most as much again; CUBIC fills the queue of 0.8 s.
        Assert.InRange(bulk.RoundTrip, TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(45));
    }

    [Theory]
    [InlineData(128)]
    [InlineData(256)]
    [InlineData(1024)]
    public void Two_flows_share_a_bottleneck(int queue)
    {
        using var path = new SharedPath(roundTrip: 20, 5_000_000, queue * 1024);
        SharedPath.Flow first = path.Add(WithBbr);
        path.Run(seconds: 5);
        SharedPath.Flow second = path.Add(WithBbr);
        path.Run(seconds: 15);
        AssertShared(path, first, second, 2);
    }

    // In a queue of ten times what the path holds CUBIC gets more, and for up to a minute from its start nearly all; in a shorter one both
    // get the same.
    [Theory]
    [InlineData(128, false)]
    [InlineData(256, false)]
    [InlineData(1024, false)]
    [InlineData(128, true)]
    [InlineData(256, true)]
    [InlineData(1024, true)]
    public void A_flow_with_CUBIC_in_the_same_queue_gets_its_share(int queue, bool cubicFirst)
    {
        using var path = new SharedPath(roundTrip: 20, 5_000_000, queue * 1024);
        SharedPath.Flow first = path.Add(cubicFirst ? WithCubic : WithBbr);
        path.Run(seconds: 5);
        SharedPath.Flow second = path.Add(cubicFirst ? WithBbr : WithCubic);
        path.Run(seconds: 15);
        AssertShared(path, first, second, queue > 256 ? 3 : 2, seconds: queue > 256 ? 120 : 40);
    }

    // Measured from now on: the larger gets at most so many times as much as the smaller, and the path is in use.
    private static void AssertShared(SharedPath path, SharedPath.Flow first, SharedPath.Flow second, double ratio, double seconds = 40)
    {
        (long one, long two) = (first.Received, second.Received);
        path.Run(seconds);
        double a = (first.Received - one) / seconds;
        double b = (second.Received - two) / seconds;
        Assert.True(a + b > 0.8 * 5_000_000 && Math.Max(a, b) < ratio * Math.Min(a, b), $"{a / 1e6:0.00} MB/s and {b / 1e6:0.00} MB/s");
    }
}
