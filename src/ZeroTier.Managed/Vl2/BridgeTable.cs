namespace ZeroTier.Managed.Vl2;

/// <summary>
/// Maps Ethernet addresses to the bridges behind which they are, learnt from frames of active bridges (docs/protocol/3-vl2.md 3.7.4).
/// Bounded and thread-safe.
/// </summary>
internal sealed class BridgeTable
{
    private const int MaxEntries = 4096;

    private readonly Lock _lock = new();
    private readonly Dictionary<MacAddress, NodeId> _bridges = [];

    /// <summary>Records that an address is behind a bridge. A full table drops all addresses of the bridge that has the most.</summary>
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

    /// <summary>The bridge behind which an address is, if known.</summary>
    public bool TryFind(MacAddress address, out NodeId bridge)
    {
        lock (_lock)
        {
            return _bridges.TryGetValue(address, out bridge);
        }
    }
}
