using ZeroTier.Managed.IpStack.Tcp.Congestion;

namespace ZeroTier.Managed.Tests.IpStack.Tcp;

/// <summary>RFC 9438, a rule each.</summary>
public sealed class CubicTests
{
    private const int Segment = 1000;

    [Fact]
    public void Rfc9438_4_6_A_loss_takes_three_tenths_of_the_window()
    {
        var path = new Path(windowSegments: 100);
        path.Control.OnLoss(100 * Segment, path.Now);
        Assert.Equal(70 * Segment, path.Control.Window);

        // More than the window is outstanding when much of it was selectively acknowledged.
        path.Control.OnLoss(200 * Segment, path.Now);
        Assert.Equal(49 * Segment, path.Control.Window);
        path.Control.OnLoss(10 * Segment, path.Now);
        Assert.Equal(7 * Segment, path.Control.Window);
    }

    [Fact]
    public void Rfc9438_4_2_The_window_returns_in_the_time_of_the_cubic_root_and_grows_beyond()
    {
        // On a long path, so that Reno would be slower: 30 segments are missing, so K is 4.2 s.
        var path = new Path(windowSegments: 100, roundTripMilliseconds: 200);
        path.Control.OnLoss(100 * Segment, path.Now);
        path.Run(seconds: 2.1);
        Assert.InRange(path.Control.Window, 94 * Segment, 98 * Segment);
        path.Run(seconds: 2.1);
        Assert.InRange(path.Control.Window, 99 * Segment, 101 * Segment);
        path.Run(seconds: 4.2);
        Assert.InRange(path.Control.Window, 124 * Segment, 136 * Segment);
    }

    [Fact]
    public void Rfc9438_4_3_On_a_short_path_growth_is_as_fast_as_Renos()
    {
        var path = new Path(windowSegments: 20, roundTripMilliseconds: 2);
        path.Control.OnLoss(20 * Segment, path.Now);
        path.Run(seconds: 0.1);

        // From 14 with 0.53 segments each round trip until 20 are reached, then one each, 50 in all.
        Assert.InRange(path.Control.Window, 55 * Segment, 62 * Segment);
    }

    [Fact]
    public void Rfc9438_4_7_A_second_loss_below_the_first_one_lowers_the_plateau()
    {
        var path = new Path(windowSegments: 100, roundTripMilliseconds: 200);
        path.Control.OnLoss(100 * Segment, path.Now);
        path.Run(seconds: 1);
        int before = path.Control.Window;
        path.Control.OnLoss(before, path.Now);
        path.Run(seconds: 3.9);
        Assert.InRange(path.Control.Window, (int)(before * 0.8), (int)(before * 0.87));
    }

    [Fact]
    public void Rfc9438_5_8_Time_does_not_pass_while_the_application_limits_the_sender()
    {
        var path = new Path(windowSegments: 100, roundTripMilliseconds: 200);
        path.Control.OnLoss(100 * Segment, path.Now);
        path.Run(seconds: 1);
        int before = path.Control.Window;
        path.Run(seconds: 60, limited: false);
        Assert.Equal(before, path.Control.Window);
        path.Run(seconds: 0.4);
        Assert.InRange(path.Control.Window, before, before + 6 * Segment);
    }

    [Fact]
    public void Rfc9438_4_9_A_spurious_loss_restores_the_window()
    {
        var path = new Path(windowSegments: 100);
        path.Control.Save();
        path.Control.OnLoss(100 * Segment, path.Now);
        path.Control.Undo();
        Assert.Equal(100 * Segment, path.Control.Window);
    }

    // Acknowledges a window in each round trip.
    private sealed class Path
    {
        private readonly long _roundTrip;

        public Path(int windowSegments, int roundTripMilliseconds = 20)
        {
            _roundTrip = roundTripMilliseconds * TimeSpan.TicksPerMillisecond;
            Control = new Cubic(Segment);
            Acknowledge(windowSegments * Segment - Control.Window, limited: true);
            Assert.Equal(windowSegments * Segment, Control.Window);
        }

        public Cubic Control { get; }

        public long Now { get; private set; }

        public void Run(double seconds, bool limited = true)
        {
            for (long end = Now + TimeSpan.FromSeconds(seconds).Ticks; Now < end; Now += _roundTrip)
            {
                for (int left = Control.Window; left > 0; left -= 2 * Segment)
                {
                    Acknowledge(2 * Segment, limited);
                }
            }
        }

        private void Acknowledge(int bytes, bool limited) => Control.OnAcknowledged(new AckSample
        {
            Now = Now,
            Acknowledged = bytes,
            Limited = limited,
            Recovering = false,
            RoundTrip = _roundTrip,
            Acknowledgement = 0,
            SendNext = 1,
            Delivered = bytes,
            TotalDelivered = 0,
            Lost = 0,
            InFlight = 0,
            Rate = default,
        });
    }
}
