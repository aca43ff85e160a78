namespace ZeroTier.Managed.IpStack.Tcp.Congestion;

/// <summary>
/// Which loss BBR takes for congestion. The draft's two in a hundred count beyond what the path loses anyway: a radio link that loses five
/// in a hundred at any rate would else be left almost unused. That share is measured in rounds that queued nothing and were not sent faster
/// than the path delivers.
/// </summary>
internal sealed partial class Bbr
{
    private const double LossThreshold = 0.02;

    // Beyond it, loss without a queue is a policer's or a very short queue's.
    private const double MaxAmbientLoss = 0.15;

    // What is remembered of it, in segments.
    private const int AmbientMemory = 1000;

    // A round whose mean round trip is above the shortest by this part of it, and by more than timers and batches explain, has queued.
    private const int QueueDivisor = 4;
    private const long QueueNoise = TimeSpan.TicksPerMillisecond;

    private double _ambientLost;
    private double _ambientSent;

    // Of the present round.
    private long _lostInRound;
    private long _deliveredInRound;
    private long _roundTripSum;
    private int _roundTripSamples;

    // Of the present round of loss.
    private long _lostInLossRound;
    private long _deliveredInLossRound;

    private double AmbientLoss => Math.Min(_ambientLost / Math.Max(_ambientSent, AmbientMemory / 10 * _segmentSize), MaxAmbientLoss);

    private bool HasQueued => _roundTripSamples > 0 && _minRoundTrip != long.MaxValue
        && _roundTripSum / _roundTripSamples > _minRoundTrip + Math.Max(_minRoundTrip / QueueDivisor, QueueNoise);

    // What of these bytes the path loses anyway, chance included: two standard deviations.
    private double AmbientShare(long bytes)
    {
        double share = AmbientLoss * bytes;
        return share + 2 * Math.Sqrt(share * _segmentSize);
    }

    private bool IsTooMuch(long lost, long sent) => lost > sent * LossThreshold + AmbientShare(sent);

    private void CountInRound(in AckSample sample)
    {
        _lostInRound += sample.Lost;
        _deliveredInRound += sample.Delivered;
        _lostInLossRound += sample.Lost;
        _deliveredInLossRound += sample.Delivered;
        if (sample.RoundTrip >= 0)
        {
            _roundTripSum += sample.RoundTrip;
            _roundTripSamples++;
        }
    }

    // At the end of a round.
    private void UpdateAmbientLoss()
    {
        bool below = _state == State.Startup ? _fullBandwidthCount == 0 : PacingGain <= 1;
        if (below && !HasQueued)
        {
            _ambientLost += _lostInRound;
            _ambientSent += _lostInRound + _deliveredInRound;
            double memory = (double)AmbientMemory * _segmentSize;
            if (_ambientSent > memory)
            {
                _ambientLost *= memory / _ambientSent;
                _ambientSent = memory;
            }
        }
    }

    private void EndRoundOfCounts()
    {
        _lostInRound = 0;
        _deliveredInRound = 0;
        _roundTripSum = 0;
        _roundTripSamples = 0;
    }

    // Draft, 5.5.10.2: where in the lost segment the loss went beyond the threshold.
    private long InFlightAtLoss(int length, int inFlight, long lost)
    {
        long inFlightBefore = inFlight - length;
        double lostBefore = lost - length - AmbientShare(inFlight);
        double prefix = (LossThreshold * inFlightBefore - lostBefore) / (1 - LossThreshold);
        return inFlightBefore + (long)Math.Clamp(prefix, 0, length);
    }
}
