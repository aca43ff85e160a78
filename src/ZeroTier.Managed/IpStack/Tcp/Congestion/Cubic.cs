namespace ZeroTier.Managed.IpStack.Tcp.Congestion;

/// <summary>
/// CUBIC (RFC 9438): after a loss the window grows back to its former size along a cubic function of time, independent of the round-trip
/// time. Slow start is RFC 5681's with the initial window of RFC 6928 and HyStart++ (RFC 9406).
/// </summary>
internal sealed class Cubic(int segmentSize) : ICongestionControl
{
    private const int MaxWindow = 1 << 29;

    // C (RFC 9438, 5), beta (4.6) and alpha (4.3).
    private const double Scale = 0.4;
    private const double Decrease = 0.7;
    private const double RenoIncrease = 3 * (1 - Decrease) / (1 + Decrease);

    private int _segmentSize = segmentSize;
    private HyStart _start = new();
    private int _threshold = int.MaxValue;
    private double _window;
    private long _smoothedRoundTrip;
    private Epoch _epoch;

    // State before the latest reaction to loss.
    private double _savedWindow;
    private int _savedThreshold;
    private Epoch _savedEpoch;

    public int Window => (int)(_window > 0 ? _window : _window = Initial);

    public long PacingRate => 0;

    public int SegmentSize
    {
        set => _segmentSize = value;
    }

    public bool IsSlowStart => Window < _threshold;

    public void OnAcknowledged(in AckSample sample)
    {
        if (sample.Acknowledged == 0 || sample.Recovering)
        {
            return;
        }

        if (sample.RoundTrip >= 0)
        {
            _smoothedRoundTrip = _smoothedRoundTrip == 0
                ? sample.RoundTrip
                : _smoothedRoundTrip + (sample.RoundTrip - _smoothedRoundTrip) / 8;
        }

        // RFC 7661, simplified, and RFC 9438, 5.8: while the application limits the sender, the window does not grow and the epoch's clock
        // stands still.
        if (!sample.Limited)
        {
            _epoch.Start += _epoch.IsOpen ? sample.Now - _epoch.LastAt : 0;
            _epoch.LastAt = sample.Now;
            return;
        }

        if (IsSlowStart)
        {
            SlowStart(sample);
        }
        else
        {
            AvoidCongestion(sample);
        }

        _epoch.LastAt = sample.Now;
    }

    public void OnSegmentLost(int length, int inFlight, long lost, bool applicationLimited, long now)
    {
    }

    public void OnLoss(int outstanding, long now) => Reduce(outstanding, now);

    public void OnTimeout(int outstanding, int inFlight, bool first, long now)
    {
        // RFC 5681, 3.1: ssthresh is reduced at the first timeout for the same data only; the window falls to one segment each time.
        if (first)
        {
            Reduce(outstanding, now);
        }

        _window = inFlight + _segmentSize;
        _epoch.IsOpen = false;
    }

    public void Save()
    {
        _savedWindow = Window;
        _savedThreshold = _threshold;
        _savedEpoch = _epoch;
    }

    public void Undo()
    {
        // RFC 9438, 4.9: the congestion event was spurious, so the state before it is restored.
        if (_savedWindow > _window)
        {
            _window = _savedWindow;
            _epoch = _savedEpoch;
        }

        _threshold = Math.Max(_threshold, _savedThreshold);
    }

    // RFC 5681, 4.1: after an idle period, the window is at most the initial one.
    public void OnIdle()
    {
        _window = Math.Min(Initial, Window);
        _epoch.IsOpen = false;
    }

    // The initial window (RFC 6928, 2).
    private int Initial => Math.Min(10 * _segmentSize, Math.Max(2 * _segmentSize, 14600));

    private void SlowStart(in AckSample sample)
    {
        // RFC 9406, 4.2: HyStart++ only in the initial slow start, before the first loss.
        int growth = sample.Acknowledged;
        if (_threshold == int.MaxValue
            && !_start.OnAcknowledged(growth, sample.RoundTrip, sample.Acknowledgement, sample.SendNext, out growth))
        {
            _threshold = Window;
            return;
        }

        // RFC 5681, 3.1, but by acknowledged bytes: receivers acknowledge whole batches, so growth of at most one segment per
        // acknowledgement would make slow start too slow.
        _window = Math.Min(Math.Min(_window + growth, Math.Max(_threshold, _window)), MaxWindow);
    }

    private void AvoidCongestion(in AckSample sample)
    {
        double window = Window / (double)_segmentSize;
        if (!_epoch.IsOpen)
        {
            // RFC 9438, 4.2: without an earlier loss, the cubic function begins at its plateau (K = 0).
            _epoch.IsOpen = true;
            _epoch.Start = sample.Now;
            _epoch.Plateau = Math.Max(_epoch.Plateau, window);
            _epoch.Reno = window;
            _epoch.Time = Math.Cbrt((_epoch.Plateau - window) / Scale);
        }

        // RFC 9438, 4.3: never slower than Reno would be.
        double acknowledged = sample.Acknowledged / (double)_segmentSize;
        _epoch.Reno += (_epoch.Reno < _epoch.Before ? RenoIncrease : 1) * acknowledged / window;
        double target = _epoch.At(sample.Now);
        if (target < _epoch.Reno)
        {
            window = Math.Max(window, _epoch.Reno);
        }
        else
        {
            // RFC 9438, 4.2, 4.4 and 4.5: towards the value of the cubic function one round trip from now.
            target = Math.Clamp(_epoch.At(sample.Now + _smoothedRoundTrip), window, 1.5 * window);
            window += (target - window) * Math.Min(1, acknowledged / window);
        }

        _window = Math.Min(window * _segmentSize, MaxWindow);
    }

    private void Reduce(int outstanding, long now)
    {
        // RFC 9438, 4.6 and 4.7 (fast convergence): a flow that has to reduce below its last W_max releases more, for new flows.
        double window = Window / (double)_segmentSize;
        _epoch.Plateau = window < _epoch.Plateau ? window * (1 + Decrease) / 2 : window;
        _epoch.Before = window;
        _epoch.IsOpen = false;
        _epoch.LastAt = now;
        // From the flight size (RFC 5681, equation 4), so that an unused part of the window does not count, but not from more than the
        // window: with SACK more may be outstanding.
        _threshold = Math.Max((int)(Math.Min(outstanding, Window) * Decrease), 2 * _segmentSize);
        _window = _threshold;
    }

    // A period of congestion avoidance (RFC 9438, 4.1): Plateau is W_max, Before cwnd_prior, Reno W_est, all in segments; Time is K, in
    // seconds.
    private struct Epoch
    {
        public bool IsOpen;
        public long Start;
        public long LastAt;
        public double Plateau;
        public double Before;
        public double Reno;
        public double Time;

        public readonly double At(long now)
        {
            double distance = (now - Start) / (double)TimeSpan.TicksPerSecond - Time;
            return Scale * distance * distance * distance + Plateau;
        }
    }
}
