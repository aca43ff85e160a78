namespace ZeroTier.Managed.Vl1.RootService;

/// <summary>
/// The pairs of nodes that a root has introduced lately: one RENDEZVOUS per pair in 30 s (docs/protocol/2-vl1.md 2.15). Thread-safe, with a
/// lock of its own, since relaying does not take the control lock.
/// </summary>
/// <remarks>
/// Relayed source addresses are unauthenticated, so an attacker can fill this table. When it is full the oldest pair is evicted: victims
/// may be introduced again early, but are never blocked.
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

    /// <summary>Whether the pair may be introduced now; if so it is recorded.</summary>
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

    /// <summary>Removes pairs that may be introduced again.</summary>
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
