using ZeroTier.Managed.Vl1;

namespace ZeroTier.Managed.Vl2.Controller;

/// <summary>
/// Who got a configuration from the controller in this node lately, and may therefore use its multicast directory: say what it listens to, and ask who else
/// does
/// (docs/protocol/3-vl2.md 3.14, 3.8.2, 3.8.3). Bounded. Thread-safe.
/// </summary>
internal sealed class ServedMembers
{
    /// <summary>For how many milliseconds a configuration gives the right.</summary>
    public const long Lifetime = 180_000;

    private const int MaxMembers = 65_536;
    private const long ExpiryInterval = 5_000;

    private readonly Lock _lock = new();
    private readonly Dictionary<(NetworkId Network, NodeId Member), long> _since = [];
    private readonly MulticastStore _listeners = new();
    private long _expired;

    /// <summary>A configuration was sent.</summary>
    public void Add(NetworkId network, NodeId member, long now)
    {
        lock (_lock)
        {
            if (_since.Count < MaxMembers || _since.ContainsKey((network, member)))
            {
                _since[(network, member)] = now;
            }
        }
    }

    /// <summary>The member is none any more.</summary>
    public void Remove(NetworkId network, NodeId member)
    {
        lock (_lock)
        {
            _since.Remove((network, member));
        }
    }

    public bool Contains(NetworkId network, NodeId member, long now)
    {
        lock (_lock)
        {
            return _since.TryGetValue((network, member), out long since) && now - since < Lifetime;
        }
    }

    /// <summary>A member listens to a group.</summary>
    public void Like(NetworkId network, MulticastGroup group, NodeId member, long now)
    {
        lock (_lock)
        {
            _listeners.Add(Key(network, group), member, now);
        }
    }

    /// <summary>Picks listeners of a group, without the asker.</summary>
    /// <returns>Number of all, the asker included.</returns>
    public int Gather(NetworkId network, MulticastGroup group, NodeId asker, int limit, RandomSource random, List<NodeId> picked)
    {
        lock (_lock)
        {
            return _listeners.Gather(Key(network, group), asker, limit, random, picked);
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
            _listeners.Expire(now);
            foreach ((var key, long since) in _since)
            {
                if (now - since >= Lifetime)
                {
                    _since.Remove(key);
                }
            }
        }
    }

    private static MulticastStore.Group Key(NetworkId network, MulticastGroup group) => new(network.Value, group.Mac.Value, group.Adi);
}
