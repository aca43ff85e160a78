namespace ZeroTier.Managed.IpStack.Tcp;

/// <summary>How much may be in flight. Told of what happens, asked for the window. Bytes throughout.</summary>
internal interface ICongestionControl
{
    int Window { get; }

    /// <summary>The unit of growth. It follows the path's MTU; the window in bytes stays.</summary>
    int SegmentSize { set; }

    bool IsSlowStart { get; }

    /// <summary>New data was acknowledged outside of fast recovery.</summary>
    /// <param name="bytes">How much.</param>
    /// <param name="limited">Whether the window was what limited the sender.</param>
    /// <param name="roundTrip">As measured with this acknowledgement, in ticks of 100 ns; -1 for none.</param>
    /// <param name="acknowledgement">Up to here.</param>
    /// <param name="sendNext">The next new sequence number.</param>
    void OnAcknowledged(int bytes, bool limited, long roundTrip, uint acknowledgement, uint sendNext);

    /// <summary>Loss was found by acknowledgements: once per window of data.</summary>
    void OnLoss(int outstanding);

    /// <summary>The retransmission timer ran out.</summary>
    /// <param name="outstanding">Sent and not acknowledged.</param>
    /// <param name="first">False when the same data had timed out before.</param>
    void OnTimeout(int outstanding, bool first);

    /// <summary>Saves the state before a reaction to loss that may turn out to be spurious.</summary>
    void Save();

    /// <summary>The loss was spurious: the window is at least what it was at <see cref="Save"/>.</summary>
    void Undo();

    /// <summary>Nothing was sent for longer than the retransmission timeout.</summary>
    void OnIdle();
}

/// <summary>Slow start and congestion avoidance of RFC 5681 with the initial window of RFC 6928 and the early end of slow start of RFC 9406.</summary>
internal sealed class NewReno(int segmentSize) : ICongestionControl
{
    private const int MaxWindow = 1 << 29;

    private int _segmentSize = segmentSize;
    private HyStart _start = new();
    private int _threshold = int.MaxValue;
    private int _credit;
    private int _window;
    private int _savedWindow;
    private int _savedThreshold;

    public int Window => _window != 0 ? _window : _window = Initial;

    public int SegmentSize
    {
        set => _segmentSize = value;
    }

    public bool IsSlowStart => Window < _threshold;

    public void OnAcknowledged(int bytes, bool limited, long roundTrip, uint acknowledgement, uint sendNext)
    {
        // RFC 7661, simplified: the window does not grow while the application, not the window, limits the sender.
        if (!limited)
        {
            return;
        }

        if (IsSlowStart)
        {
            // RFC 9406, 4.2: only while nothing is known of the path.
            if (_threshold == int.MaxValue && !_start.OnAcknowledged(bytes, roundTrip, acknowledgement, sendNext, out bytes))
            {
                _threshold = Window;
                return;
            }

            // RFC 5681, 3.1 by bytes: receivers acknowledge whole batches, so a cap of one segment per acknowledgement would starve the start.
            _window = (int)Math.Min(Math.Min((long)Window + bytes, Math.Max(_threshold, Window)), MaxWindow);
            return;
        }

        // RFC 5681, 3.1: one segment per window of acknowledged bytes.
        _credit += bytes;
        if (_credit >= Window)
        {
            _credit -= Window;
            _window = Math.Min(Window + _segmentSize, MaxWindow);
        }
    }

    public void OnLoss(int outstanding)
    {
        // RFC 5681, equation 4; RFC 6675, 5 (4.2).
        _threshold = Math.Max(outstanding / 2, 2 * _segmentSize);
        _window = _threshold;
        _credit = 0;
    }

    public void OnTimeout(int outstanding, bool first)
    {
        // RFC 5681, 3.1: the threshold falls once per loss, the window to one segment.
        if (first)
        {
            _threshold = Math.Max(outstanding / 2, 2 * _segmentSize);
        }

        _window = _segmentSize;
        _credit = 0;
    }

    public void Save()
    {
        _savedWindow = Window;
        _savedThreshold = _threshold;
    }

    public void Undo()
    {
        _window = Math.Max(Window, _savedWindow);
        _threshold = Math.Max(_threshold, _savedThreshold);
    }

    // RFC 5681, 4.1.
    public void OnIdle() => _window = Math.Min(Initial, Window);

    // RFC 6928, 2.
    private int Initial => Math.Min(10 * _segmentSize, Math.Max(2 * _segmentSize, 14600));
}
