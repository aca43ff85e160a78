namespace ZeroTier.Managed.IpStack.Tcp.Congestion;

/// <summary>
/// BBR's probing cycle: drain the queue (down), cruise, refill the pipe, probe for more bandwidth (up). Every five seconds, unless a new
/// minimum was seen, it also lowers the data in flight to measure the minimum round-trip time.
/// </summary>
internal sealed partial class Bbr
{
    private const long ProbeWait = 2 * TimeSpan.TicksPerSecond;
    private const long ProbeRoundTripDuration = 200 * TimeSpan.TicksPerMillisecond;

    // Reno with a window of n segments needs n rounds to recover from a loss; at most this many are waited for.
    private const int MaxRoundsBetweenProbes = 63;

    private enum AckPhase
    {
        Other,
        ProbeStarting,
        ProbeStopping,
    }

    private AckPhase _ackPhase;
    private bool _bandwidthProbeSamples;
    private long _cycleAt;
    private long _probeWait;
    private int _roundsSinceProbe;
    private int _probeUpRounds;
    private long _probeUpBytes;
    private long _probeUpStep = long.MaxValue;
    private long _totalDelivered;
    private long _probeRoundTripDoneAt;
    private bool _probeRoundTripRoundDone;

    private void UpdateCycle(in AckSample sample)
    {
        _totalDelivered = sample.TotalDelivered;
        if (!_fullBandwidthReached)
        {
            return;
        }

        AdaptLongTermModel(sample);
        switch (_state)
        {
            case State.ProbeDown:
                if (!CheckTimeToProbe(sample) && IsTimeToCruise(sample))
                {
                    _state = State.ProbeCruise;
                }

                break;
            case State.ProbeCruise:
                CheckTimeToProbe(sample);
                break;
            case State.ProbeRefill when _roundStart:
                _bandwidthProbeSamples = true;
                StartProbeUp(sample);
                break;
            case State.ProbeUp when IsTimeToGoDown(sample):
                StartProbeDown(sample);
                break;
        }
    }

    private bool IsTimeToCruise(in AckSample sample) =>
        sample.InFlight <= InFlightWithHeadroom && sample.InFlight <= BandwidthDelayProduct(MaxBandwidth);

    private bool IsTimeToGoDown(in AckSample sample)
    {
        if (sample.Limited && _window >= _longTermInFlight)
        {
            // The long-term bound limits the rate, not the path: the search for full bandwidth starts again.
            ResetFullBandwidth();
            _fullBandwidth = RateOf(sample);
            return false;
        }

        return _fullBandwidthNow;
    }

    // Draft, 5.3.3.5: probes every two to three seconds, or as often as Reno would, so that it coexists with Reno and CUBIC flows.
    private bool CheckTimeToProbe(in AckSample sample)
    {
        if (sample.Now <= _cycleAt + _probeWait && _roundsSinceProbe < Math.Min(TargetInFlight / _segmentSize, MaxRoundsBetweenProbes))
        {
            return false;
        }

        _state = State.ProbeRefill;
        ResetShortTermBounds();
        _probeUpRounds = 0;
        _probeUpBytes = 0;
        _ackPhase = AckPhase.Other;
        StartRound(sample.TotalDelivered);
        return true;
    }

    private void StartProbeUp(in AckSample sample)
    {
        _state = State.ProbeUp;
        _ackPhase = AckPhase.ProbeStarting;
        _cycleAt = sample.Now;
        StartRound(sample.TotalDelivered);
        ResetFullBandwidth();
        _fullBandwidth = RateOf(sample);
        RaiseProbeUpSlope();
    }

    private void StartProbeDown(in AckSample sample) => StartProbeDown(sample.Now, sample.TotalDelivered);

    private void StartProbeDown(long now, long totalDelivered)
    {
        _state = State.ProbeDown;
        _lostInLossRound = 0;
        _deliveredInLossRound = 0;
        _latestBandwidth = 0;
        _latestInFlight = 0;
        _probeUpStep = long.MaxValue;
        _roundsSinceProbe = _random.Next() < 0.5 ? 0 : 1;
        _probeWait = ProbeWait + (long)(_random.Next() * TimeSpan.TicksPerSecond);
        _cycleAt = now;
        _ackPhase = AckPhase.ProbeStopping;
        StartRound(totalDelivered);
    }

    // Draft, 5.3.3.6: adapts the upper bound of the data in flight to the result of a probe for bandwidth.
    private void AdaptLongTermModel(in AckSample sample)
    {
        if (_ackPhase == AckPhase.ProbeStarting && _roundStart)
        {
            _ackPhase = AckPhase.Other;
        }

        if (_ackPhase == AckPhase.ProbeStopping && _roundStart)
        {
            _ackPhase = AckPhase.Other;
            _bandwidthProbeSamples = false;
            if (IsProbingBandwidth && !sample.Rate.IsApplicationLimited)
            {
                _previousBandwidth = _cycleBandwidth;
                _cycleBandwidth = 0;
            }
        }

        if (_longTermInFlight == long.MaxValue || !sample.Rate.IsValid || IsTooMuch(sample.Rate.Lost, sample.Rate.InFlight))
        {
            return;
        }

        _longTermInFlight = Math.Max(_longTermInFlight, sample.Rate.InFlight);
        if (_state == State.ProbeUp)
        {
            ProbeUpward(sample);
        }
    }

    private void ProbeUpward(in AckSample sample)
    {
        if (!sample.Limited || _window < _longTermInFlight)
        {
            return;
        }

        _probeUpBytes += sample.Delivered;
        if (_probeUpBytes >= _probeUpStep)
        {
            long steps = _probeUpBytes / _probeUpStep;
            _probeUpBytes -= steps * _probeUpStep;
            _longTermInFlight += steps * _segmentSize;
        }

        if (_roundStart)
        {
            RaiseProbeUpSlope();
        }
    }

    // The bound grows by one segment in the first round, then by two, four, …
    private void RaiseProbeUpSlope()
    {
        _probeUpStep = Math.Max(_window / (1L << _probeUpRounds), 1);
        _probeUpRounds = Math.Min(_probeUpRounds + 1, 30);
    }

    private void OnInFlightTooHigh(long inFlight, bool applicationLimited, long now)
    {
        _bandwidthProbeSamples = false;
        if (!applicationLimited)
        {
            _longTermInFlight = Math.Max(inFlight, (long)(TargetInFlight * Beta));
        }

        if (_state == State.ProbeUp)
        {
            StartProbeDown(now, _totalDelivered);
        }
    }

    // Draft, 5.3.4: ProbeRTT, which reduces the data in flight for a short time to measure the minimum round-trip time.
    private void CheckProbeRoundTrip(in AckSample sample)
    {
        if (_state != State.ProbeRoundTrip && _probeRoundTripExpired && !_idleRestart)
        {
            _priorWindow = Math.Max(_priorWindow, _window);
            _state = State.ProbeRoundTrip;
            _probeRoundTripDoneAt = 0;
            _ackPhase = AckPhase.ProbeStopping;
            StartRound(sample.TotalDelivered);
        }

        if (_state != State.ProbeRoundTrip)
        {
            return;
        }

        if (_probeRoundTripDoneAt == 0)
        {
            if (sample.InFlight <= ProbeRoundTripWindow)
            {
                _probeRoundTripDoneAt = sample.Now + ProbeRoundTripDuration;
                _probeRoundTripRoundDone = false;
                StartRound(sample.TotalDelivered);
            }

            return;
        }

        _probeRoundTripRoundDone |= _roundStart;
        if (_probeRoundTripRoundDone && sample.Now > _probeRoundTripDoneAt)
        {
            _probeRoundTripMinAt = sample.Now;
            _window = Math.Max(_window, _priorWindow);
            _priorWindow = 0;
            ResetShortTermBounds();
            if (_fullBandwidthReached)
            {
                StartProbeDown(sample);
                _state = State.ProbeCruise;
            }
            else
            {
                _state = State.Startup;
            }
        }
    }
}
