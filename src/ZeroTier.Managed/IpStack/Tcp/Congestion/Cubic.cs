namespace ZeroTier.Managed.IpStack.Tcp.Congestion;

/// <summary>
/// CUBIC (RFC 9438): after a loss the window returns to where it was along a cubic function of time, whatever the round trip. Slow start is
/// RFC 5681's with the initial window of RFC 6928 and the early end of RFC 9406.
/// </summary>
internal sealed class Cubic(int segmentSize) : ICongestionControl
{
    private const int MaxWindow = 1 << 29;

    // RFC 9438, 4.1, 4.6 and 4.3.
    private const double Scale = 0.4;
    private const double Decrease = 0.7;
    private const double RenoIncrease = 3 * (1 - Decrease) / (1 + Decrease);

    private int _segmentSize = segmentSize;
    private HyStart _start = new();
    private int _threshold = int.MaxValue;
    private double _window;
    private long _smoothedRoundTrip;
    private Epoch _epoch;

    // Before the latest reaction to loss.
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

        // RFC 7661, simplified, and RFC 9438, 5.8: the window does not grow, nor does its time pass, while the application limits the
        // sender.
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
        // RFC 5681, 3.1: the threshold falls once per loss, the window to one segment.
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
        // RFC 9438, 4.9.
        if (_savedWindow > _window)
        {
            _window = _savedWindow;
            _epoch = _savedEpoch;
        }

        _threshold = Math.Max(_threshold, _savedThreshold);
    }

    // RFC 5681, 4.1.
    public void OnIdle()
    {
        _window = Math.Min(Initial, Window);
        _epoch.IsOpen = false;
    }

    // RFC 6928, 2.
    private int Initial => Math.Min(10 * _segmentSize, Math.Max(2 * _segmentSize, 14600));

    private void SlowStart(in AckSample sample)
    {
        // RFC 9406, 4.2: only while nothing is known of the path.
        int growth = sample.Acknowledged;
        if (_threshold == int.MaxValue
            && !_start.OnAcknowledged(growth, sample.RoundTrip, sample.Acknowledgement, sample.SendNext, out growth))
        {
            _threshold = Window;
            return;
        }

        // RFC 5681, 3.1 by bytes: receivers acknowledge whole batches, so a cap of one segment per acknowledgement would starve the start.
        _window = Math.Min(Math.Min(_window + growth, Math.Max(_threshold, _window)), MaxWindow);
    }

    private void AvoidCongestion(in AckSample sample)
    {
        double window = Window / (double)_segmentSize;
        if (!_epoch.IsOpen)
        {
            // RFC 9438, 4.2: with no loss before, the function begins at its plateau.
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
            // RFC 9438, 4.2, 4.4 and 4.5.
            target = Math.Clamp(_epoch.At(sample.Now + _smoothedRoundTrip), window, 1.5 * window);
            window += (target - window) * Math.Min(1, acknowledged / window);
        }

        _window = Math.Min(window * _segmentSize, MaxWindow);
    }

    private void Reduce(int outstanding, long now)
    {
        // RFC 9438, 4.6 and 4.7: a flow whose window is smaller than before gives room to new ones.
        double window = Window / (double)_segmentSize;
        _epoch.Plateau = window < _epoch.Plateau ? window * (1 + Decrease) / 2 : window;
        _epoch.Before = window;
        _epoch.IsOpen = false;
        _epoch.LastAt = now;
        // With selective acknowledgements more than the window may be outstanding; what the window did not limit is not in it.
        _threshold = Math.Max((int)(Math.Min(outstanding, Window) * Decrease), 2 * _segmentSize);
        _window = _threshold;
    }

    // Congestion avoidance since the latest loss. Windows in segments, the time to the plateau in seconds.
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
