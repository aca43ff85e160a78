using System.Collections.Concurrent;

namespace ZeroTier.Managed.Vl2;

/// <summary>
/// A node's networks, in the order in which they were joined, and by their ID. Changes are serialized by the caller; all else is lock-free.
/// </summary>
/// <typeparam name="T">What represents a network.</typeparam>
internal sealed class NetworkList<T>
    where T : class
{
    private readonly ConcurrentDictionary<NetworkId, T> _byId = new();
    private volatile T[] _all = [];

    /// <summary>A snapshot, in the order in which the networks were joined.</summary>
    public T[] All => _all;

    /// <summary>The network with this ID; null when it is not joined.</summary>
    public T? Find(NetworkId id) => _byId.GetValueOrDefault(id);

    public void Add(NetworkId id, T network)
    {
        _byId[id] = network;
        _all = [.. _all, network];
    }

    public void Remove(NetworkId id, T network)
    {
        _byId.TryRemove(new KeyValuePair<NetworkId, T>(id, network));
        _all = Array.FindAll(_all, other => other != network);
    }

    public void Clear()
    {
        _byId.Clear();
        _all = [];
    }
}
