namespace ZeroTier.Controller.Members;

/// <summary>
/// Which member of a network has what only one can have: an address, a name. Where records give it to several, the oldest record has it, in
/// whatever order they come: all processes on a store, and each after a restart, say the same. Thread-safe.
/// </summary>
internal sealed class HolderTable<TKey>
    where TKey : notnull
{
    private readonly Lock _lock = new();
    private readonly Dictionary<TKey, List<(DateTimeOffset Created, NodeId Node)>> _holders = [];

    public bool IsTaken(TKey key)
    {
        lock (_lock)
        {
            return _holders.ContainsKey(key);
        }
    }

    /// <summary>The member that has it; null for nobody.</summary>
    public NodeId? HolderOf(TKey key)
    {
        lock (_lock)
        {
            return _holders.TryGetValue(key, out var holders) ? holders[0].Node : null;
        }
    }

    /// <summary>Other members than one whose records have something of it.</summary>
    public IReadOnlyList<NodeId> RivalsOf(NodeId member, IEnumerable<TKey> keys)
    {
        lock (_lock)
        {
            return [.. keys.SelectMany(key => _holders.TryGetValue(key, out var holders) ? holders.Select(h => h.Node) : [])
                .Where(node => node != member).Distinct()];
        }
    }

    /// <summary>Notes what a record has in place of what it had before.</summary>
    /// <returns>How often something was given up.</returns>
    public int Replace(ControllerMember record, IReadOnlySet<TKey> before, IReadOnlySet<TKey> after)
    {
        (DateTimeOffset, NodeId) holder = (record.CreationTime, record.Node);
        int released = 0;
        lock (_lock)
        {
            foreach (TKey key in before)
            {
                if (!after.Contains(key) && _holders.TryGetValue(key, out var holders) && holders.RemoveAll(h => h.Node == record.Node) > 0)
                {
                    released++;
                    if (holders.Count == 0)
                    {
                        _holders.Remove(key);
                    }
                }
            }

            foreach (TKey key in after)
            {
                if (before.Contains(key))
                {
                    continue;
                }

                if (!_holders.TryGetValue(key, out var holders))
                {
                    _holders[key] = holders = new List<(DateTimeOffset, NodeId)>(1);
                }

                holders.Add(holder);
                holders.Sort();
            }
        }

        return released;
    }
}
