namespace ZeroTier.Managed.IpStack.Tcp.Congestion;

/// <summary>
/// BBR version 3 (draft-ietf-ccwg-bbr): paces at the estimated bottleneck bandwidth and bounds the data in flight by a multiple of the
/// bandwidth-delay product. It probes for more bandwidth from time to time, and stays below the amount in flight at which more than 2 %
/// were lost. The names are the draft's.
/// </summary>
internal sealed partial class Bbr : ICongestionControl
{
    // Draft, 5.6.1 and 2.5: paces slightly below the estimated bandwidth, so that no queue builds up.
    private const double PacingMargin = 0.99;
    private const double StartupPacingGain = 2.77;
    private const double DrainPacingGain = 0.5;
    private const double DefaultWindowGain = 2;
    private const double ProbeUpPacingGain = 1.25;
    private const double ProbeUpWindowGain = 2.25;
    private const double ProbeDownPacingGain = 0.9;
    private const double ProbeRoundTripWindowGain = 0.5;
    private const int MinSegments = 4;

    // Draft, 5.6.2: until the bandwidth is known, the rate follows from the window. The first flight leaves at once, so its
    // acknowledgements come at once: samples of the two rounds after that of the first flight span the pause, and are too low.
    private const int RoundsByWindow = 3;

    private SplitMix _random;
    private int _segmentSize;
    private State _state = State.Startup;
    private int _window;
    private int _priorWindow;
    private double _pacingRate;
    private bool _idleRestart;

    // State before the latest loss, restored when it proves spurious.
    private int _savedWindow;
    private double _savedShortTermBandwidth;
    private long _savedShortTermInFlight;
    private long _savedLongTermInFlight;

    /// <param name="segmentSize">Segment size in bytes.</param>
    /// <param name="seed">Randomizes when it probes, so that flows that share a path do not probe at the same time.</param>
    public Bbr(int segmentSize, uint seed)
    {
        _segmentSize = segmentSize;
        _random = new SplitMix(seed);
        _window = Initial;
    }

    private enum State
    {
        Startup,
        Drain,
        ProbeDown,
        ProbeCruise,
        ProbeRefill,
        ProbeUp,
        ProbeRoundTrip,
    }

    public int Window => _window;

    public long PacingRate => (long)_pacingRate;

    public int SegmentSize
    {
        set => _segmentSize = value;
    }

    public bool IsSlowStart => _state == State.Startup;

    private bool IsProbingBandwidth => _state is State.ProbeDown or State.ProbeCruise or State.ProbeRefill or State.ProbeUp;

    private int Minimum => MinSegments * _segmentSize;

    // The initial window (RFC 6928, 2).
    private int Initial => Math.Min(10 * _segmentSize, Math.Max(2 * _segmentSize, 14600));

    private double PacingGain => _state switch
    {
        State.Startup => StartupPacingGain,
        State.Drain => DrainPacingGain,
        State.ProbeDown => ProbeDownPacingGain,
        State.ProbeUp => ProbeUpPacingGain,
        _ => 1,
    };

    private double WindowGain => _state switch
    {
        State.ProbeUp => ProbeUpWindowGain,
        State.ProbeRoundTrip => ProbeRoundTripWindowGain,
        _ => DefaultWindowGain,
    };

    public void OnAcknowledged(in AckSample sample)
    {
        UpdateRound(sample);
        UpdateDeliverySignals(sample);
        UpdateAggregation(sample);
        CheckFullBandwidth(sample);
        CheckStartup(sample);
        UpdateCycle(sample);
        UpdateMinRoundTrip(sample);
        CheckProbeRoundTrip(sample);
        AdvanceDeliverySignals(sample);
        _idleRestart = false;
        SetPacingRate();
        SetWindow(sample);
    }

    public void OnSegmentLost(int length, int inFlight, long lost, bool applicationLimited, long now)
    {
        if (_bandwidthProbeSamples && IsTooMuch(lost, inFlight))
        {
            OnInFlightTooHigh(InFlightAtLoss(length, inFlight, lost), applicationLimited, now);
        }
    }

    // Draft, 5.6.4.4: the window follows from the model; a loss event by itself does not reduce it.
    public void OnLoss(int outstanding, long now) => _priorWindow = Math.Max(_priorWindow, _window);

    public void OnTimeout(int outstanding, int inFlight, bool first, long now)
    {
        // Draft, 5.6.4.4: the window falls to one segment; what is then acknowledged opens it again.
        if (first)
        {
            _priorWindow = Math.Max(_priorWindow, _window);
        }

        _window = inFlight + _segmentSize;
    }

    public void Save()
    {
        _savedWindow = _window;
        _savedShortTermBandwidth = _shortTermBandwidth;
        _savedShortTermInFlight = _shortTermInFlight;
        _savedLongTermInFlight = _longTermInFlight;
    }

    public void Undo()
    {
        _window = Math.Max(_window, _savedWindow);
        _shortTermBandwidth = Math.Max(_shortTermBandwidth, _savedShortTermBandwidth);
        _shortTermInFlight = Math.Max(_shortTermInFlight, _savedShortTermInFlight);
        _longTermInFlight = Math.Max(_longTermInFlight, _savedLongTermInFlight);
        _lostInLossRound = 0;
    }

    // Draft, 5.4.1: after an idle period sending resumes at the estimated bandwidth, without slow start.
    public void OnIdle()
    {
        _idleRestart = true;
        if (IsProbingBandwidth && Bandwidth > 0)
        {
            _pacingRate = Bandwidth * PacingMargin;
        }
    }

    private void SetPacingRate()
    {
        double rate = PacingGain * Bandwidth * PacingMargin;
        if (_state == State.Startup && _rounds < RoundsByWindow)
        {
            long roundTrip = _minRoundTrip == long.MaxValue ? TimeSpan.TicksPerMillisecond : _minRoundTrip;
            rate = Math.Max(rate, StartupPacingGain * _window * TimeSpan.TicksPerSecond / roundTrip);
        }

        if (_fullBandwidthReached || rate > _pacingRate)
        {
            _pacingRate = Math.Max(rate, _segmentSize);
        }
    }

    private void SetWindow(in AckSample sample)
    {
        // Draft, 5.6.4: the window also covers what the receiver acknowledges at once (aggregation) and what a pacing timer sends at once.
        long limit = (long)(BandwidthDelayProduct(Bandwidth) * WindowGain) + ExtraAcknowledged;
        limit = Math.Max(limit, SendQuantum * 3L) + (_state == State.ProbeUp ? 2 * _segmentSize : 0);
        limit = Math.Max(limit, Minimum);
        long window = _window;
        if (_fullBandwidthReached)
        {
            window = Math.Min(window + sample.Delivered, limit);
        }
        else if (window < limit || sample.TotalDelivered < Initial)
        {
            window += sample.Delivered;
        }

        window = Math.Max(window, Minimum);
        if (_state == State.ProbeRoundTrip)
        {
            window = Math.Min(window, ProbeRoundTripWindow);
        }

        _window = (int)Math.Min(BoundForModel(window), MaxWindow);
    }

    private const int MaxWindow = 1 << 29;

    // Draft, 5.6.4.7: limits the window by the bounds of the model.
    private long BoundForModel(long window)
    {
        long bound = long.MaxValue;
        if (IsProbingBandwidth && _state != State.ProbeCruise)
        {
            bound = _longTermInFlight;
        }
        else if (_state is State.ProbeCruise or State.ProbeRoundTrip)
        {
            bound = InFlightWithHeadroom;
        }

        return Math.Min(window, Math.Max(Math.Min(bound, _shortTermInFlight), Minimum));
    }

    // The amount sent in one millisecond, the resolution of the pacing timer (draft, 5.6.3).
    private int SendQuantum => (int)Math.Clamp(_pacingRate / 1000, 2 * _segmentSize, 64 * 1024);

    private struct SplitMix(uint seed)
    {
        private ulong _state = seed;

        // At least 0 and less than 1.
        public double Next()
        {
            ulong z = _state += 0x9E3779B97F4A7C15;
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
            return ((z ^ (z >> 31)) >> 11) / (double)(1UL << 53);
        }
    }
}
