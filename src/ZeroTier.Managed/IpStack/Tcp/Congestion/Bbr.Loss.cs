namespace ZeroTier.Managed.IpStack.Tcp.Congestion;

/// <summary>
/// Decides which loss BBR treats as congestion. The draft's threshold of 2 % applies on top of the ambient loss, which the path has at any
/// rate: otherwise a radio link that loses 5 % of all packets would stay almost unused. The ambient loss is measured in rounds without a
/// queue in which the sender did not exceed the delivery rate.
/// </summary>
internal sealed partial class Bbr
{
    private const double LossThreshold = 0.02;

    // More loss than this without a queue points to a policer or a very short queue.
    private const double MaxAmbientLoss = 0.15;

    // Length of the moving average of the ambient loss, in segments.
    private const int AmbientMemory = 1000;

    // A round has built a queue if its mean round-trip time exceeds the minimum by this fraction of it, and by more than timers and
    // batching explain.
    private const int QueueDivisor = 4;
    private const long QueueNoise = TimeSpan.TicksPerMillisecond;

    private double _ambientLost;
    private double _ambientSent;

    // Counters of the current round trip.
    private long _lostInRound;
    private long _deliveredInRound;
    private long _roundTripSum;
    private int _roundTripSamples;

    // Counters of the current loss round.
    private long _lostInLossRound;
    private long _deliveredInLossRound;

    private double AmbientLoss => Math.Min(_ambientLost / Math.Max(_ambientSent, AmbientMemory / 10 * _segmentSize), MaxAmbientLoss);

    private bool HasQueued => _roundTripSamples > 0 && _minRoundTrip != long.MaxValue
        && _roundTripSum / _roundTripSamples > _minRoundTrip + Math.Max(_minRoundTrip / QueueDivisor, QueueNoise);

    // The ambient loss to expect in this number of bytes, and three standard deviations for chance: that of these bytes, and that of the
    // estimate. Each false alarm costs seconds, until the next probe for bandwidth.
    private double AmbientShare(long bytes)
    {
        double share = AmbientLoss * bytes;
        return share + 3 * Math.Sqrt(share * (_segmentSize + (bytes / AmbientMemory)));
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

    // Called at the end of a round trip.
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

    // Draft, 5.5.10.2: the data in flight at which the loss rate exceeded the threshold, interpolated within the lost segment.
    private long InFlightAtLoss(int length, int inFlight, long lost)
    {
        long inFlightBefore = inFlight - length;
        double lostBefore = lost - length - AmbientShare(inFlight);
        double prefix = (LossThreshold * inFlightBefore - lostBefore) / (1 - LossThreshold);
        return inFlightBefore + (long)Math.Clamp(prefix, 0, length);
    }
}
