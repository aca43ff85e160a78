using ZeroTier.Managed.Vl1;

namespace ZeroTier.Managed.Vl2.Controller;

/// <summary>
/// Who got a configuration from the controller in this node lately, and may therefore use its multicast directory: say what it listens to,
/// and ask who else does (docs/protocol/3-vl2.md 3.14, 3.8.2, 3.8.3). Bounded per network, so that the members of one, whom its owner may
/// let in without a look, take nothing from the others. Thread-safe.
/// </summary>
internal sealed class ServedMembers
{
    /// <summary>For how many milliseconds a configuration gives the right.</summary>
    public const long Lifetime = 180_000;

    private const int MaxMembers = 65_536;
    private const long ExpiryInterval = 5_000;

    private readonly Lock _lock = new();
    private readonly Dictionary<NetworkId, Directory> _networks = [];
    private long _expired;

    /// <summary>A configuration was sent.</summary>
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

    /// <summary>The member is none any more.</summary>
    public void Remove(NetworkId network, NodeId member)
    {
        lock (_lock)
        {
            _networks.GetValueOrDefault(network)?.Since.Remove(member);
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

    /// <summary>A member listens to a group.</summary>
    public void Like(NetworkId network, MulticastGroup group, NodeId member, long now)
    {
        lock (_lock)
        {
            Of(network).Listeners.Add(Key(network, group), member, now);
        }
    }

    /// <summary>Picks listeners of a group, without the asker.</summary>
    /// <returns>Number of all, the asker included.</returns>
    public int Gather(NetworkId network, MulticastGroup group, NodeId asker, int limit, RandomSource random, List<NodeId> picked)
    {
        lock (_lock)
        {
            return _networks.GetValueOrDefault(network)?.Listeners.Gather(Key(network, group), asker, limit, random, picked) ?? 0;
        }
    }

    /// <summary>Forgets what is too old.</summary>
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

    // Guarded by the lock. Networks are the controller's own, so that nobody else can make many.
    private Directory Of(NetworkId network)
    {
        if (!_networks.TryGetValue(network, out Directory? directory))
        {
            _networks[network] = directory = new Directory();
        }

        return directory;
    }

    private static MulticastStore.Group Key(NetworkId network, MulticastGroup group) => new(network.Value, group.Mac.Value, group.Adi);

    // Of one network.
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
