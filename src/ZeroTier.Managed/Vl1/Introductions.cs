namespace ZeroTier.Managed.Vl1;

/// <summary>Which pairs a root has introduced lately: one RENDEZVOUS per pair and 30 s (chapter 2.15). Thread-safe, as relaying needs no other lock.</summary>
internal sealed class Introductions
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(NodeId Low, NodeId High), long> _pairs = [];

    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _pairs.Count;
            }
        }
    }

    /// <summary>Whether the pair may be introduced now; if so it is noted.</summary>
    public bool TryBegin(NodeId a, NodeId b, long now)
    {
        var pair = a < b ? (a, b) : (b, a);
        lock (_lock)
        {
            if (_pairs.TryGetValue(pair, out long last))
            {
                if (now - last < Vl1Timing.Introduction)
                {
                    return false;
                }
            }
            else if (_pairs.Count >= Vl1Limits.IntroducedPairs)
            {
                return false;
            }

            _pairs[pair] = now;
            return true;
        }
    }

    /// <summary>Forgets pairs that may be introduced again.</summary>
    public void Expire(long now)
    {
        lock (_lock)
        {
            foreach (var (pair, time) in _pairs)
            {
                if (now - time >= Vl1Timing.Introduction)
                {
                    _pairs.Remove(pair);
                }
            }
        }
    }
}
