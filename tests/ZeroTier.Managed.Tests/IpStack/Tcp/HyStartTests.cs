using ZeroTier.Managed.IpStack.Tcp;
using ZeroTier.Managed.IpStack.Tcp.Congestion;

namespace ZeroTier.Managed.Tests.IpStack.Tcp;

/// <summary>RFC 9406, a rule each.</summary>
public sealed class HyStartTests
{
    private const int Segment = 1000;

    [Fact]
    public void Rfc9406_4_2_SteadyRoundTrips_GrowthIsUnlimited()
    {
        var path = new Path();
        for (int i = 0; i < 20; i++)
        {
            Assert.Equal(10 * Segment, path.Round(20, 10));
            Assert.False(path.Start.IsConservative);
        }
    }

    [Fact]
    public void Rfc9406_4_2_GrowingRoundTrips_GrowthSlowsAndEndsAfterFiveRounds()
    {
        var path = new Path();
        path.Round(20, 10);
        path.Round(20, 10);

        // The eighth sample decides.
        Assert.Equal(8 * Segment + 2 * Segment / 4, path.Round(25, 10));
        Assert.True(path.Start.IsConservative);
        for (int i = 0; i < 4; i++)
        {
            Assert.Equal(10 * Segment / 4, path.Round(26, 10));
            Assert.False(path.Ended);
        }

        path.Round(26, 1);
        Assert.True(path.Ended);
    }

    [Fact]
    public void Rfc9406_4_2_RoundTripsShrinkAgain_GrowthIsUnlimitedAgain()
    {
        var path = new Path();
        path.Round(20, 10);
        path.Round(25, 10);
        Assert.True(path.Start.IsConservative);
        path.Round(20, 10);
        Assert.False(path.Start.IsConservative);
        Assert.Equal(10 * Segment, path.Round(20, 10));
    }

    [Fact]
    public void Rfc9406_4_3_FewSamplesOrSmallGrowth_ChangeNothing()
    {
        var path = new Path();
        path.Round(20, 10);
        path.Round(60, 7);
        Assert.False(path.Start.IsConservative);
        path.Round(20, 10);
        path.Round(23.9, 10);
        Assert.False(path.Start.IsConservative);
    }

    [Fact]
    public void Bulk_from_the_start_bottleneck_with_a_deep_queue_loses_few_segments()
    {
        using var pair = new TcpPair(5);
        pair.Link.IsTraced = false;
        pair.Link.Conditions.Delay = TimeSpan.FromMilliseconds(5);
        pair.Link.Conditions.Bandwidth = 5_000_000;
        (TcpSocket client, TcpSocket server) = pair.Connect(TcpPair.Options with { SelectiveAck = false });
        pair.Clock.Run(
            async () =>
            {
                Task send = TcpTraffic.SendAsync(server.Output, 4_000_000, 1);
                Assert.Equal(4_000_000, await TcpTraffic.ReceiveAsync(client.Input, 1));
                await send;
            },
            TcpPair.Minutes);

        // Doubling to the end would lose a whole queue: 260.
        Assert.InRange(pair.B.Layer.Statistics[TcpCounter.Retransmissions], 0, 100);
        Assert.InRange(pair.Clock.Elapsed.TotalSeconds, 0.8, 1.5);
    }

    private sealed class Path
    {
        private uint _sent;
        private uint _acknowledged;

        public HyStart Start = new();

        public bool Ended { get; private set; }

        // One round of so many acknowledged segments; what the window may grow by.
        public int Round(double milliseconds, int segments)
        {
            int total = 0;
            _sent += (uint)(segments * Segment);
            uint next = _sent;
            for (int i = 0; i < segments; i++)
            {
                _acknowledged += Segment;
                Ended |= !Start.OnAcknowledged(
                    Segment, (long)(milliseconds * TimeSpan.TicksPerMillisecond), _acknowledged, next + 1, out int growth);
                total += growth;
            }

            return total;
        }
    }
}
