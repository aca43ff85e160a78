namespace ZeroTier.Managed.Vl2;

/// <summary>
/// Which bridge an Ethernet address is behind, learnt from the frames of active bridges (docs/protocol/3-vl2.md 3.7.4). Bounded and
/// thread-safe.
/// </summary>
internal sealed class BridgeTable
{
    private const int MaxEntries = 4096;

    private readonly Lock _lock = new();
    private readonly Dictionary<MacAddress, NodeId> _bridges = [];

    /// <summary>Notes that an address is behind a bridge. When the table is full the bridge with the most addresses gives way.</summary>
    public void Learn(MacAddress address, NodeId bridge)
    {
        lock (_lock)
        {
            if (_bridges.Count >= MaxEntries && !_bridges.ContainsKey(address))
            {
                NodeId largest = _bridges.Values.CountBy(b => b).MaxBy(b => b.Value).Key;
                foreach (MacAddress mac in _bridges.Where(b => b.Value == largest).Select(b => b.Key).ToArray())
                {
                    _bridges.Remove(mac);
                }
            }

            _bridges[address] = bridge;
        }
    }

    /// <summary>The bridge of an address, where it is known.</summary>
    public bool TryFind(MacAddress address, out NodeId bridge)
    {
        lock (_lock)
        {
            return _bridges.TryGetValue(address, out bridge);
        }
    }
}
