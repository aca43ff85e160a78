using ZeroTier.Managed.Vl1;

namespace ZeroTier.Managed.Vl2.Controller;

/// <summary>
/// The members to which the controller in this node has lately sent a configuration, and which may therefore use its multicast directory:
/// subscribe to groups, and ask for other subscribers (docs/protocol/3-vl2.md 3.14, 3.8.2, 3.8.3). Bounded per network, so that members of
/// one network, which may admit everybody, cannot use up the space of others. Thread-safe.
/// </summary>
internal sealed class ServedMembers
{
    /// <summary>Milliseconds for which a member may use the directory after a configuration was sent to it.</summary>
    public const long Lifetime = 180_000;

    private const int MaxMembers = 65_536;
    private const long ExpiryInterval = 5_000;

    private readonly Lock _lock = new();
    private readonly Dictionary<NetworkId, Directory> _networks = [];
    private long _expired;

    /// <summary>A configuration was sent to the member.</summary>
    public void Add(NetworkId network, NodeId member, long now)
    {
        lock (_lock)
        {
            Directory directory = Of(network);
            if (directory.Since.Count < MaxMembers || directory.Since.ContainsKey(member))
            {
                directory.Since[member] = now;
            }
        }
    }

    /// <summary>The member was revoked: it may not use the directory, and is not named to others.</summary>
    public void Remove(NetworkId network, NodeId member)
    {
        lock (_lock)
        {
            if (_networks.TryGetValue(network, out Directory? directory))
            {
                directory.Since.Remove(member);
                directory.Listeners.Remove(member);
            }
        }
    }

    public bool Contains(NetworkId network, NodeId member, long now)
    {
        lock (_lock)
        {
            return _networks.TryGetValue(network, out Directory? directory)
                && directory.Since.TryGetValue(member, out long since)
                && now - since < Lifetime;
        }
    }

    /// <summary>Stores a member's subscription of a group.</summary>
    public void Like(NetworkId network, MulticastGroup group, NodeId member, long now)
    {
        lock (_lock)
        {
            Of(network).Listeners.Add(Key(network, group), member, now);
        }
    }

    /// <summary>Picks subscribers of a group at random, without the member that asks.</summary>
    /// <returns>Number of all subscribers, the member that asks included.</returns>
    public int Gather(NetworkId network, MulticastGroup group, NodeId asker, int limit, RandomSource random, List<NodeId> picked)
    {
        lock (_lock)
        {
            return _networks.GetValueOrDefault(network)?.Listeners.Gather(Key(network, group), asker, limit, random, picked) ?? 0;
        }
    }

    /// <summary>Removes expired members and subscriptions.</summary>
    public void OnTick(long now)
    {
        lock (_lock)
        {
            if (now - _expired < ExpiryInterval)
            {
                return;
            }

            _expired = now;
            foreach ((NetworkId network, Directory directory) in _networks)
            {
                directory.Expire(now);
                if (directory.Since.Count == 0 && directory.Listeners.Count == 0)
                {
                    _networks.Remove(network);
                }
            }
        }
    }

    // Guarded by the lock. Only networks of this controller get an entry, so that others cannot cause many.
    private Directory Of(NetworkId network)
    {
        if (!_networks.TryGetValue(network, out Directory? directory))
        {
            _networks[network] = directory = new Directory();
        }

        return directory;
    }

    private static MulticastStore.Group Key(NetworkId network, MulticastGroup group) => new(network.Value, group.Mac.Value, group.Adi);

    // The members and subscriptions of one network.
    private sealed class Directory
    {
        public Dictionary<NodeId, long> Since { get; } = [];

        public MulticastStore Listeners { get; } = new();

        public void Expire(long now)
        {
            Listeners.Expire(now);
            foreach ((NodeId member, long since) in Since)
            {
                if (now - since >= Lifetime)
                {
                    Since.Remove(member);
                }
            }
        }
    }
}
