namespace ZeroTier.Hosting.Node;

/// <summary>
/// Monotonic counters, as collectors require (OpenTelemetry Metrics API, asynchronous counter), from those of a node, which are reset by
/// each start. Thread-safe.
/// </summary>
internal sealed class RunningTotals
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, (long Base, long Last)> _series = [];

    /// <summary>The total of a series, given the node's count of now.</summary>
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
