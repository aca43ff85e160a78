namespace ZeroTier.Managed.Vl1.Admission;

/// <summary>Unknown nodes whose source address is being validated with a HELLO. Bounded: a full table evicts a random one.</summary>
internal sealed class ChallengeTable(int capacity, RandomSource random)
{
    private readonly Dictionary<(NodeId Id, InetEndPoint EndPoint), int> _index = [];
    private readonly List<Newcomer> _newcomers = [];

    public int Count => _newcomers.Count;

    /// <summary>Whether a challenge was sent to this node at this endpoint in the last second; a further HELLO is then ignored.</summary>
    public bool IsPending(NodeId id, in InetEndPoint endPoint, long now) =>
        _index.TryGetValue((id, endPoint), out int at) && now - _newcomers[at].ChallengedAt < Vl1Timing.ConfirmInterval;

    /// <summary>The challenged node with this address at this endpoint.</summary>
    public Newcomer? Find(NodeId id, in InetEndPoint endPoint) => _index.TryGetValue((id, endPoint), out int at) ? _newcomers[at] : null;

    /// <summary>Adds a node. Returns the one that it replaces or evicts, which the caller disposes of; or null.</summary>
    public Newcomer? Add(Newcomer newcomer)
    {
        Newcomer? former = null;
        if (_index.TryGetValue(newcomer.Key, out int at) || (_newcomers.Count >= capacity && (at = random.Next(capacity)) >= 0))
        {
            former = _newcomers[at];
            _index.Remove(former.Key);
            _newcomers[at] = newcomer;
        }
        else
        {
            at = _newcomers.Count;
            _newcomers.Add(newcomer);
        }

        _index[newcomer.Key] = at;
        return former;
    }

    /// <summary>Removes a node. False when it was evicted in the meantime.</summary>
    public bool Remove(Newcomer newcomer)
    {
        if (!_index.TryGetValue(newcomer.Key, out int at) || !ReferenceEquals(_newcomers[at], newcomer))
        {
            return false;
        }

        // The last one moves into the gap.
        var last = _newcomers[^1];
        _newcomers[at] = last;
        _index[last.Key] = at;
        _index.Remove(newcomer.Key);
        _newcomers.RemoveAt(_newcomers.Count - 1);
        return true;
    }

    /// <summary>Removes and disposes of those that did not answer in time.</summary>
    public void Expire(long now)
    {
        for (int i = _newcomers.Count - 1; i >= 0; i--)
        {
            var newcomer = _newcomers[i];
            if (now - newcomer.ChallengedAt >= Vl1Timing.QueueLifetime)
            {
                Remove(newcomer);
                newcomer.Dispose();
            }
        }
    }
}
