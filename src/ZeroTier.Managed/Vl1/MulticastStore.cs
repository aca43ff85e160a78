using System.Runtime.InteropServices;

namespace ZeroTier.Managed.Vl1;

/// <summary>
/// The multicast directory of a root: which nodes have subscribed to which groups (docs/protocol/2-vl1.md 2.16). Bounded; guarded by the control lock.
/// </summary>
internal sealed class MulticastStore
{
    private readonly Dictionary<Group, List<Member>> _groups = [];
    private readonly Dictionary<NodeId, int> _groupsOf = [];

    /// <summary>Number of subscriptions.</summary>
    public int Count { get; private set; }

    /// <summary>Adds or refreshes a subscription.</summary>
    /// <returns>False when the store, or the member's share of it, is full.</returns>
    public bool Add(in Group group, NodeId member, long now)
    {
        if (!_groups.TryGetValue(group, out var members))
        {
            members = [];
        }

        foreach (ref var known in CollectionsMarshal.AsSpan(members))
        {
            if (known.Id == member)
            {
                known = known with { Time = now };
                return true;
            }
        }

        int ofMember = _groupsOf.GetValueOrDefault(member);
        if (Count >= Vl1Limits.MulticastMembers || ofMember >= Vl1Limits.MulticastGroupsPerMember)
        {
            return false;
        }

        members.Add(new Member(member, now));
        _groups[group] = members;
        _groupsOf[member] = ofMember + 1;
        Count++;
        return true;
    }

    /// <summary>Takes a subscription away.</summary>
    public void Remove(in Group group, NodeId member)
    {
        if (_groups.TryGetValue(group, out var members) && members.RemoveAll(m => m.Id == member) > 0)
        {
            Forget(member);
            if (members.Count == 0)
            {
                _groups.Remove(group);
            }
        }
    }

    /// <summary>Picks members in random order, without the asker.</summary>
    /// <returns>Number of all members, the asker included.</returns>
    public int Gather(in Group group, NodeId asker, int limit, RandomSource random, List<NodeId> picked)
    {
        if (!_groups.TryGetValue(group, out var members))
        {
            return 0;
        }

        // A partial shuffle in place: the order inside a group means nothing.
        var span = CollectionsMarshal.AsSpan(members);
        for (int i = 0; i < span.Length && picked.Count < limit; i++)
        {
            int k = i + random.Next(span.Length - i);
            (span[i], span[k]) = (span[k], span[i]);
            if (span[i].Id != asker)
            {
                picked.Add(span[i].Id);
            }
        }

        return span.Length;
    }

    /// <summary>Forgets subscriptions that were not refreshed.</summary>
    public void Expire(long now)
    {
        foreach (var (group, members) in _groups)
        {
            for (int i = members.Count - 1; i >= 0; i--)
            {
                if (now - members[i].Time >= Vl1Timing.MulticastLike)
                {
                    Forget(members[i].Id);
                    members.RemoveAt(i);
                }
            }

            if (members.Count == 0)
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
}
