namespace ZeroTier.Managed.IpStack.Tcp.Congestion;

/// <summary>
/// HyStart++ (RFC 9406): leaves slow start before the bottleneck's queue overflows. When round-trip times grow, conservative slow start
/// (CSS) follows, then congestion avoidance. Times are in ticks of 100 ns.
/// </summary>
internal struct HyStart
{
    // Recommended constants of RFC 9406, 4.3.
    private const long MinThreshold = 4 * TimeSpan.TicksPerMillisecond;
    private const long MaxThreshold = 16 * TimeSpan.TicksPerMillisecond;
    private const int RoundTripDivisor = 8;
    private const int SamplesPerRound = 8;
    private const int GrowthDivisor = 4;
    private const int ConservativeRounds = 5;

    private uint _roundEnd;
    private bool _inRound;
    private int _samples;
    private long _lastMinimum;
    private long _currentMinimum;

    // The round-trip time at which CSS began; if a later round has a shorter one, slow start resumes.
    private long _baseline;
    private int _conservativeRounds;

    public HyStart()
    {
        _lastMinimum = long.MaxValue;
        _currentMinimum = long.MaxValue;
    }

    /// <summary>True in conservative slow start: the window grows by a quarter of what is acknowledged.</summary>
    public readonly bool IsConservative => _conservativeRounds > 0;

    /// <summary>New data was acknowledged in slow start (RFC 9406, 4.2).</summary>
    /// <param name="bytes">Newly acknowledged bytes.</param>
    /// <param name="roundTrip">The round-trip time measured by this acknowledgement; -1 for none.</param>
    /// <param name="acknowledgement">The acknowledgement number.</param>
    /// <param name="sendNext">The next new sequence number.</param>
    /// <param name="growth">By how much the window may grow.</param>
    /// <returns>False when slow start is over.</returns>
    public bool OnAcknowledged(int bytes, long roundTrip, uint acknowledgement, uint sendNext, out int growth)
    {
        growth = IsConservative ? bytes / GrowthDivisor : bytes;
        if (!_inRound || Sequence.IsAfter(acknowledgement, _roundEnd))
        {
            _inRound = true;
            _roundEnd = sendNext;
            _lastMinimum = _currentMinimum;
            _currentMinimum = long.MaxValue;
            _samples = 0;
            if (IsConservative && ++_conservativeRounds > ConservativeRounds)
            {
                return false;
            }
        }

        if (roundTrip < 0)
        {
            return true;
        }

        _currentMinimum = Math.Min(_currentMinimum, roundTrip);
        if (++_samples < SamplesPerRound)
        {
            return true;
        }

        if (IsConservative)
        {
            _conservativeRounds = _currentMinimum < _baseline ? 0 : _conservativeRounds;
        }
        else if (_lastMinimum != long.MaxValue
            && _currentMinimum >= _lastMinimum + Math.Clamp(_lastMinimum / RoundTripDivisor, MinThreshold, MaxThreshold))
        {
            _baseline = _currentMinimum;
            _conservativeRounds = 1;
        }

        return true;
    }
}
