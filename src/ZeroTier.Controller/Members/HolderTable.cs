namespace ZeroTier.Controller.Members;

/// <summary>
/// Assigns things that only one member of a network can have (addresses, names) to their holders. If several records claim the same key,
/// the oldest record holds it, independent of the order in which records arrive: so all processes on a store, and each after a restart,
/// agree. Thread-safe.
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

    /// <summary>The member that holds the key; null for none.</summary>
    public NodeId? HolderOf(TKey key)
    {
        lock (_lock)
        {
            return _holders.TryGetValue(key, out var holders) ? holders[0].Node : null;
        }
    }

    /// <summary>The other members whose records claim one of the keys.</summary>
    public IReadOnlyList<NodeId> RivalsOf(NodeId member, IEnumerable<TKey> keys)
    {
        lock (_lock)
        {
            return [.. keys.SelectMany(key => _holders.TryGetValue(key, out var holders) ? holders.Select(h => h.Node) : [])
                .Where(node => node != member).Distinct()];
        }
    }

    /// <summary>Replaces the keys that a record claims.</summary>
    /// <returns>The number of keys that the record no longer claims.</returns>
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
