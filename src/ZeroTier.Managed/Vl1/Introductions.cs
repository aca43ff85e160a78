namespace ZeroTier.Managed.Vl1;

/// <summary>
/// Which pairs a root has introduced lately: one RENDEZVOUS per pair and 30 s (docs/protocol/2-vl1.md 2.15). Thread-safe, as relaying needs no other lock.
/// </summary>
/// <remarks>
/// Nobody proves who sent a packet that we relay. So a full table forgets its oldest pair and refuses none: who fills it has others introduced sooner, not
/// never.
/// </remarks>
internal sealed class Introductions
{
    private readonly Lock _lock = new();
    private readonly HashSet<(NodeId Low, NodeId High)> _pairs = [];
    private readonly Queue<((NodeId Low, NodeId High) Pair, long Time)> _byAge = new();

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
            ForgetOld(now);
            if (!_pairs.Add(pair))
            {
                return false;
            }

            if (_pairs.Count > Vl1Limits.IntroducedPairs)
            {
                _pairs.Remove(_byAge.Dequeue().Pair);
            }

            _byAge.Enqueue((pair, now));
            return true;
        }
    }

    /// <summary>Forgets pairs that may be introduced again.</summary>
    public void Expire(long now)
    {
        lock (_lock)
        {
            ForgetOld(now);
        }
    }

    private void ForgetOld(long now)
    {
        while (_byAge.TryPeek(out var oldest) && now - oldest.Time >= Vl1Timing.Introduction)
        {
            _pairs.Remove(_byAge.Dequeue().Pair);
        }
    }
}
