namespace ZeroTier.Managed.IpStack;

/// <summary>Path MTUs that routers reported (RFC 8201, RFC 1191). Bounded; entries live ten minutes. Thread-safe.</summary>
internal sealed class PathMtuTable(TimeProvider time)
{
    internal const int MaxEntries = 256;

    // RFC 8201, 4: no IPv6 path is narrower. IPv4 has a floor as well, as RFC 5927, 7.2 advises. Smaller reports are raised to these.
    private const int MinimumIPv6 = IpHeader.IPv6MinimumMtu;
    private const int MinimumIPv4 = 552;
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(10);

    private readonly Lock _gate = new();
    private readonly Dictionary<IpAddress, (int Mtu, long Learned)> _entries = [];
    private volatile bool _used;

    /// <summary>The path's MTU if it is smaller than the link's.</summary>
    public int Get(in IpAddress destination, int linkMtu)
    {
        if (!_used)
        {
            return linkMtu;
        }

        lock (_gate)
        {
            if (!_entries.TryGetValue(destination, out var entry))
            {
                return linkMtu;
            }

            if (time.GetElapsedTime(entry.Learned) >= Lifetime)
            {
                _entries.Remove(destination);
                _used = _entries.Count > 0;
                return linkMtu;
            }

            return Math.Min(linkMtu, entry.Mtu);
        }
    }

    /// <summary>Applies a report, which can only lower the path MTU.</summary>
    /// <returns>True when it has been lowered.</returns>
    public bool Reduce(in IpAddress destination, int mtu, int linkMtu)
    {
        mtu = Math.Max(mtu, destination.IsIPv4 ? MinimumIPv4 : MinimumIPv6);
        if (mtu >= Get(destination, linkMtu))
        {
            return false;
        }

        lock (_gate)
        {
            if (_entries.Count >= MaxEntries && !_entries.ContainsKey(destination))
            {
                _entries.Remove(_entries.MinBy(static entry => entry.Value.Learned).Key);
            }

            _entries[destination] = (mtu, time.GetTimestamp());
            _used = true;
        }

        return true;
    }
}
