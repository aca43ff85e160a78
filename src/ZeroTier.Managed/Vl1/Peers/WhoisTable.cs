namespace ZeroTier.Managed.Vl1.Peers;

/// <summary>Pending WHOIS look-ups (docs/protocol/2-vl1.md 2.5.4). Bounded; guarded by the control lock.</summary>
internal sealed class WhoisTable
{
    /// <summary>For look-ups of our own: WHOIS is sent every <see cref="Vl1Timing.Whois"/> ms until the look-up expires.</summary>
    public const int Unlimited = int.MaxValue;

    private const int MaxQuestions = Vl1Timing.QueueLifetime / Vl1Timing.Whois;
    private readonly Dictionary<NodeId, Pending> _pending = [];

    private int _ofStrangers;

    public int Count => _pending.Count;

    /// <summary>
    /// Starts a look-up that lives 5 s. Only look-ups for our own traffic extend it; those caused by unauthenticated packets do not.
    /// </summary>
    /// <param name="id">The address.</param>
    /// <param name="now">The time.</param>
    /// <param name="questions">Number of WHOIS to send because of an unauthenticated packet; such look-ups get only a part of the table.
    /// <see cref="Unlimited"/> for our own.</param>
    /// <param name="full">The table, or the part of it for unauthenticated packets, is full.</param>
    /// <returns>True when a WHOIS should be sent now.</returns>
    public bool Request(NodeId id, long now, int questions, out bool full)
    {
        full = false;
        bool forStranger = questions != Unlimited;
        long expires = now + Vl1Timing.QueueLifetime;
        if (_pending.TryGetValue(id, out var pending))
        {
            if (!forStranger)
            {
                _ofStrangers -= pending.ForStranger ? 1 : 0;
                _pending[id] = pending with { Expires = expires, Questions = Unlimited };
            }
            else if (pending.ForStranger)
            {
                _pending[id] = pending with { Questions = Math.Min(pending.Questions + questions, MaxQuestions) };
            }

            return TryBegin(id, now);
        }

        bool crowded = _pending.Count >= Vl1Limits.PendingWhois || (forStranger && _ofStrangers >= Vl1Limits.PendingWhoisForStrangers);
        if (crowded && !(forStranger && TryReplaceStranger(now)))
        {
            full = true;
            return false;
        }

        _pending[id] = new Pending(Vl1Timing.Never, expires, questions);
        _ofStrangers += forStranger ? 1 : 0;
        return TryBegin(id, now);
    }

    public bool Contains(NodeId id) => _pending.ContainsKey(id);

    public void Remove(NodeId id)
    {
        if (_pending.Remove(id, out var pending) && pending.ForStranger)
        {
            _ofStrangers--;
        }
    }

    /// <summary>The addresses whose WHOIS is due again; expired look-ups are removed.</summary>
    public void Due(long now, List<NodeId> due)
    {
        foreach (var (id, pending) in _pending)
        {
            if (pending.Expires <= now)
            {
                Remove(id);
            }
            else if (now - pending.LastSent >= Vl1Timing.Whois && pending.Questions > 0)
            {
                due.Add(id);
            }
        }

        foreach (var id in due)
        {
            TryBegin(id, now);
        }
    }

    // Evicts the oldest look-up that was caused by an unauthenticated packet; otherwise packets with forged sources could keep that part of
    // the table full. Not before it had time for two WHOIS, so that the rate of WHOIS stays bounded.
    private bool TryReplaceStranger(long now)
    {
        NodeId oldest = default;
        long soonest = now + Vl1Timing.QueueLifetime - Vl1Timing.WhoisForStranger + 1;
        foreach (var (id, pending) in _pending)
        {
            if (pending.ForStranger && pending.Expires < soonest)
            {
                (oldest, soonest) = (id, pending.Expires);
            }
        }

        Remove(oldest);
        return oldest != default;
    }

    private bool TryBegin(NodeId id, long now)
    {
        var pending = _pending[id];
        if (now - pending.LastSent < Vl1Timing.Whois || pending.Questions == 0)
        {
            return false;
        }

        _pending[id] = pending with { LastSent = now, Questions = pending.ForStranger ? pending.Questions - 1 : Unlimited };
        return true;
    }

    private readonly record struct Pending(long LastSent, long Expires, int Questions)
    {
        public bool ForStranger => Questions != Unlimited;
    }
}
