namespace ZeroTier.Managed.IpStack.Tcp.Congestion;

/// <summary>BBR's model of the path: bandwidth, minimum round-trip time, and bounds of the data in flight.</summary>
internal sealed partial class Bbr
{
    private const double Beta = 0.7;
    private const double Headroom = 0.15;
    private const double FullBandwidthGrowth = 1.25;
    private const int FullBandwidthRounds = 3;
    private const int FullLossEvents = 6;
    private const long MinRoundTripLifetime = 10 * TimeSpan.TicksPerSecond;
    private const long ProbeRoundTripInterval = 5 * TimeSpan.TicksPerSecond;
    private const int AggregationRounds = 5;

    // Bytes per second: the maximum in the current and in the previous probing cycle.
    private double _cycleBandwidth;
    private double _previousBandwidth;
    private double _shortTermBandwidth = double.PositiveInfinity;
    private double _latestBandwidth;

    // Bounds of bytes in flight. Long term: above it, losses exceeded the threshold. Short term: lowered by losses since the last probe.
    private long _longTermInFlight = long.MaxValue;
    private long _shortTermInFlight = long.MaxValue;
    private long _latestInFlight;

    private long _minRoundTrip = long.MaxValue;
    private long _minRoundTripAt;
    private long _probeRoundTripMin = long.MaxValue;
    private long _probeRoundTripMinAt;
    private bool _probeRoundTripExpired;

    // A round ends when data is acknowledged that was sent after the round began.
    private long _nextRoundDelivered;
    private bool _roundStart;
    private long _rounds;
    private long _lossRoundDelivered;
    private bool _lossRoundStart;

    private double _fullBandwidth;
    private int _fullBandwidthCount;
    private bool _fullBandwidthNow;
    private bool _fullBandwidthReached;

    private long _aggregationStart;
    private long _aggregated;
    private long _extraAcknowledged;
    private long _extraAcknowledgedBefore;
    private long _aggregationRound;

    private double MaxBandwidth => Math.Max(_cycleBandwidth, _previousBandwidth);

    private double Bandwidth => Math.Min(MaxBandwidth, _shortTermBandwidth);

    private long ExtraAcknowledged => Math.Max(_extraAcknowledged, _extraAcknowledgedBefore);

    private long ProbeRoundTripWindow => Math.Max((long)(BandwidthDelayProduct(Bandwidth) * ProbeRoundTripWindowGain), Minimum);

    // Draft, 5.3.3.6: headroom for other flows while cruising.
    private long InFlightWithHeadroom => _longTermInFlight == long.MaxValue
        ? long.MaxValue
        : Math.Max(_longTermInFlight - Math.Max(_segmentSize, (long)(Headroom * _longTermInFlight)), Minimum);

    private long TargetInFlight => Math.Min(BandwidthDelayProduct(Bandwidth), _window);

    private long BandwidthDelayProduct(double bandwidth) =>
        _minRoundTrip == long.MaxValue ? Initial : (long)(bandwidth * _minRoundTrip / TimeSpan.TicksPerSecond);

    // A rate sample whose interval is shorter than the minimum round-trip time is discarded: the acknowledgement must be for an earlier
    // transmission of the segment.
    private double RateOf(in AckSample sample) =>
        sample.Rate is { IsValid: true, Interval: > 0 } && (_minRoundTrip == long.MaxValue || sample.Rate.Interval >= _minRoundTrip)
            ? (sample.TotalDelivered - sample.Rate.PriorDelivered) * (double)TimeSpan.TicksPerSecond / sample.Rate.Interval
            : 0;

    private void UpdateRound(in AckSample sample)
    {
        _roundStart = sample.Rate.IsValid && sample.Rate.PriorDelivered >= _nextRoundDelivered;
        CountInRound(sample);
        if (_roundStart)
        {
            StartRound(sample.TotalDelivered);
            _rounds++;
            _roundsSinceProbe++;
        }
    }

    private void StartRound(long totalDelivered) => _nextRoundDelivered = totalDelivered;

    // Draft, 5.5.10.2 and 5.5.10.3: the latest bandwidth, data delivered and losses.
    private void UpdateDeliverySignals(in AckSample sample)
    {
        double rate = RateOf(sample);
        if (rate > 0 && (rate >= MaxBandwidth || !sample.Rate.IsApplicationLimited))
        {
            _cycleBandwidth = Math.Max(_cycleBandwidth, rate);
        }

        _lossRoundStart = false;
        _latestBandwidth = Math.Max(_latestBandwidth, rate);
        _latestInFlight = Math.Max(_latestInFlight, sample.Rate.IsValid ? sample.TotalDelivered - sample.Rate.PriorDelivered : 0);
        if (sample.Rate.IsValid && sample.Rate.PriorDelivered >= _lossRoundDelivered)
        {
            _lossRoundDelivered = sample.TotalDelivered;
            _lossRoundStart = true;
        }

        if (_lossRoundStart)
        {
            AdaptShortTermBounds();
        }
    }

    private void AdaptShortTermBounds()
    {
        // Losses in the probing states are expected and judged elsewhere; only those in other states lower the short-term bounds.
        if (_state is not (State.Startup or State.ProbeRefill or State.ProbeUp)
            && _lostInLossRound > AmbientShare(_lostInLossRound + _deliveredInLossRound))
        {
            if (double.IsPositiveInfinity(_shortTermBandwidth))
            {
                _shortTermBandwidth = MaxBandwidth;
            }

            if (_shortTermInFlight == long.MaxValue)
            {
                _shortTermInFlight = _window;
            }

            _shortTermBandwidth = Math.Max(_latestBandwidth, Beta * _shortTermBandwidth);
            _shortTermInFlight = Math.Max(_latestInFlight, (long)(Beta * _shortTermInFlight));
        }
    }

    private void AdvanceDeliverySignals(in AckSample sample)
    {
        if (_lossRoundStart)
        {
            _latestBandwidth = RateOf(sample);
            _latestInFlight = sample.Rate.IsValid ? sample.TotalDelivered - sample.Rate.PriorDelivered : 0;
            _lostInLossRound = 0;
            _deliveredInLossRound = 0;
        }
    }

    private void ResetShortTermBounds()
    {
        _shortTermBandwidth = double.PositiveInfinity;
        _shortTermInFlight = long.MaxValue;
    }

    // Draft, 5.5.9: aggregation, i.e. how many more bytes are acknowledged at once than the estimated bandwidth explains.
    private void UpdateAggregation(in AckSample sample)
    {
        double expected = Bandwidth * (sample.Now - _aggregationStart) / TimeSpan.TicksPerSecond;
        if (_aggregated <= expected)
        {
            _aggregated = 0;
            _aggregationStart = sample.Now;
            expected = 0;
        }

        _aggregated += sample.Delivered;
        if (_roundStart && _rounds - _aggregationRound >= AggregationRounds)
        {
            _extraAcknowledgedBefore = _extraAcknowledged;
            _extraAcknowledged = 0;
            _aggregationRound = _rounds;
        }

        _extraAcknowledged = Math.Max(_extraAcknowledged, Math.Min((long)(_aggregated - expected), _window));
    }

    // Draft, 5.3.1.2: the pipe is full after three rounds in which the rate did not grow by a quarter.
    private void CheckFullBandwidth(in AckSample sample)
    {
        if (_fullBandwidthNow || !_roundStart || sample.Rate.IsApplicationLimited)
        {
            return;
        }

        double rate = RateOf(sample);
        if (rate >= _fullBandwidth * FullBandwidthGrowth)
        {
            ResetFullBandwidth();
            _fullBandwidth = rate;
            return;
        }

        _fullBandwidthNow = ++_fullBandwidthCount >= FullBandwidthRounds;
        _fullBandwidthReached |= _fullBandwidthNow;
    }

    private void ResetFullBandwidth()
    {
        _fullBandwidth = 0;
        _fullBandwidthCount = 0;
        _fullBandwidthNow = false;
    }

    private void CheckStartup(in AckSample sample)
    {
        if (_roundStart)
        {
            // Draft, 5.3.1.3: high loss, i.e. an overflowing queue, ends Startup as well.
            UpdateAmbientLoss();
            if (!_fullBandwidthReached && sample.Recovering && _lostInRound > FullLossEvents * _segmentSize
                && IsTooMuch(_lostInRound, _lostInRound + _deliveredInRound))
            {
                _fullBandwidthReached = true;
                _longTermInFlight = Math.Max(BandwidthDelayProduct(MaxBandwidth), _latestInFlight);
            }

            EndRoundOfCounts();
        }

        if (_state == State.Startup && _fullBandwidthReached)
        {
            _state = State.Drain;
        }

        if (_state == State.Drain && sample.InFlight <= BandwidthDelayProduct(MaxBandwidth))
        {
            StartProbeDown(sample);
        }
    }

    // Draft, 5.5.7: estimates the minimum round-trip time.
    private void UpdateMinRoundTrip(in AckSample sample)
    {
        _probeRoundTripExpired = sample.Now > _probeRoundTripMinAt + ProbeRoundTripInterval && _probeRoundTripMin != long.MaxValue;
        if (sample.RoundTrip >= 0 && (sample.RoundTrip < _probeRoundTripMin || _probeRoundTripExpired))
        {
            _probeRoundTripMin = Math.Max(1, sample.RoundTrip);
            _probeRoundTripMinAt = sample.Now;
        }

        if (_probeRoundTripMin < _minRoundTrip || sample.Now > _minRoundTripAt + MinRoundTripLifetime)
        {
            _minRoundTrip = _probeRoundTripMin;
            _minRoundTripAt = _probeRoundTripMinAt;
        }
    }
}
