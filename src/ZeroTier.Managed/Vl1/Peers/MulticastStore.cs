namespace ZeroTier.Managed.Vl1.Peers;

/// <summary>
/// The multicast directory of a root: which nodes have subscribed to which groups (docs/protocol/2-vl1.md 2.16). Bounded; guarded by the
/// control lock.
/// </summary>
internal sealed class MulticastStore
{
    private readonly Dictionary<Group, Listeners> _groups = [];
    private readonly Dictionary<NodeId, int> _groupsOf = [];

    /// <summary>Number of subscriptions.</summary>
    public int Count { get; private set; }

    /// <summary>Adds or refreshes a subscription.</summary>
    /// <returns>False when the limit of all subscriptions, or that of this member, is reached.</returns>
    public bool Add(in Group group, NodeId member, long now)
    {
        if (_groups.TryGetValue(group, out var listeners) && listeners.Refresh(member, now))
        {
            return true;
        }

        int ofMember = _groupsOf.GetValueOrDefault(member);
        if (Count >= Vl1Limits.MulticastMembers || ofMember >= Vl1Limits.MulticastGroupsPerMember)
        {
            return false;
        }

        if (listeners is null)
        {
            _groups[group] = listeners = new Listeners();
        }

        listeners.Add(member, now);
        _groupsOf[member] = ofMember + 1;
        Count++;
        return true;
    }

    /// <summary>Removes a subscription.</summary>
    public void Remove(in Group group, NodeId member)
    {
        if (_groups.TryGetValue(group, out var listeners) && listeners.Remove(member))
        {
            Forget(member);
            if (listeners.Count == 0)
            {
                _groups.Remove(group);
            }
        }
    }

    /// <summary>Removes all subscriptions of a member.</summary>
    public void Remove(NodeId member)
    {
        foreach (var group in _groups.Keys)
        {
            Remove(group, member);
        }
    }

    /// <summary>Picks up to a number of members at random, without the node that asks.</summary>
    /// <returns>Number of all members of the group, the node that asks included.</returns>
    public int Gather(in Group group, NodeId asker, int limit, RandomSource random, List<NodeId> picked)
    {
        if (!_groups.TryGetValue(group, out var listeners))
        {
            return 0;
        }

        listeners.Pick(asker, limit, random, picked);
        return listeners.Count;
    }

    /// <summary>Removes subscriptions that were not refreshed.</summary>
    public void Expire(long now)
    {
        foreach (var (group, listeners) in _groups)
        {
            for (int i = listeners.Count - 1; i >= 0; i--)
            {
                if (now - listeners[i].Time >= Vl1Timing.MulticastLike)
                {
                    Forget(listeners[i].Id);
                    listeners.Remove(listeners[i].Id);
                }
            }

            if (listeners.Count == 0)
            {
                _groups.Remove(group);
            }
        }
    }

    private void Forget(NodeId member)
    {
        Count--;
        int left = _groupsOf.GetValueOrDefault(member) - 1;
        if (left <= 0)
        {
            _groupsOf.Remove(member);
        }
        else
        {
            _groupsOf[member] = left;
        }
    }

    /// <summary>A multicast group of a network.</summary>
    internal readonly record struct Group(ulong Network, ulong Mac, uint Adi);

    private readonly record struct Member(NodeId Id, long Time);

    // The members of one group: a list, from which members are picked at random, and an index of it, since one packet may refresh hundreds
    // of subscriptions.
    private sealed class Listeners
    {
        private readonly List<Member> _members = [];
        private readonly Dictionary<NodeId, int> _places = [];

        public int Count => _members.Count;

        public Member this[int index] => _members[index];

        public bool Refresh(NodeId member, long now)
        {
            if (!_places.TryGetValue(member, out int at))
            {
                return false;
            }

            _members[at] = new Member(member, now);
            return true;
        }

        public void Add(NodeId member, long now)
        {
            _places[member] = _members.Count;
            _members.Add(new Member(member, now));
        }

        public bool Remove(NodeId member)
        {
            if (!_places.Remove(member, out int at))
            {
                return false;
            }

            // The last member is moved into the gap.
            int last = _members.Count - 1;
            if (at != last)
            {
                _members[at] = _members[last];
                _places[_members[at].Id] = at;
            }

            _members.RemoveAt(last);
            return true;
        }

        // A partial Fisher-Yates shuffle in place: the order of the list has no meaning.
        public void Pick(NodeId asker, int limit, RandomSource random, List<NodeId> picked)
        {
            for (int i = 0; i < _members.Count && picked.Count < limit; i++)
            {
                int k = i + random.Next(_members.Count - i);
                (_members[i], _members[k]) = (_members[k], _members[i]);
                _places[_members[i].Id] = i;
                _places[_members[k].Id] = k;
                if (_members[i].Id != asker)
                {
                    picked.Add(_members[i].Id);
                }
            }
        }
    }
}
