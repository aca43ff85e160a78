namespace ZeroTier.Hosting.Node;

/// <summary>
/// Turns a node's counters, which restart at zero with each start, into monotonic ones, as OpenTelemetry requires of asynchronous counters.
/// Thread-safe.
/// </summary>
internal sealed class RunningTotals
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, (long Base, long Last)> _series = [];

    /// <summary>The running total of a series, given the node's current count.</summary>
    public long Of(string series, long count)
    {
        lock (_gate)
        {
            var (start, last) = _series.GetValueOrDefault(series);
            if (count < last)
            {
                start += last;
            }

            _series[series] = (start, count);
            return start + count;
        }
    }
}
