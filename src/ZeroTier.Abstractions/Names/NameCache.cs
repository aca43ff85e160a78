namespace ZeroTier.Names;

/// <summary>A bounded cache of DNS answers. Thread-safe.</summary>
internal sealed class NameCache(TimeProvider time)
{
    /// <summary>
    /// The maximum number of entries. When full, expired entries are removed, or, if there are none, the one that expires first.
    /// </summary>
    internal const int MaxEntries = 1024;

    /// <summary>The upper limit of the time that an answer is cached.</summary>
    internal static readonly TimeSpan MaxLifetime = TimeSpan.FromHours(1);

    /// <summary>
    /// The upper limit of the time that a negative answer is cached. RFC 2308, 5 recommends one to three hours; shorter here, because
    /// people wait for names that they have just added.
    /// </summary>
    internal static readonly TimeSpan MaxNegativeLifetime = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<NameKey, Entry> _entries = [];

    public DnsResponse? Find(NameKey key)
    {
        lock (_lock)
        {
            return _entries.TryGetValue(key, out var entry) && entry.Expires > time.GetTimestamp() ? entry.Response : null;
        }
    }

    public void Add(NameKey key, DnsResponse response)
    {
        bool isNegative = response is { Addresses.Count: 0, Alias: null };
        var most = isNegative ? MaxNegativeLifetime : MaxLifetime;
        var lifetime = response.TimeToLive < most ? response.TimeToLive : most;
        if (lifetime <= TimeSpan.Zero)
        {
            return;
        }

        long now = time.GetTimestamp();
        lock (_lock)
        {
            if (_entries.Count >= MaxEntries && !_entries.ContainsKey(key))
            {
                MakeRoom(now);
            }

            _entries[key] = new Entry(response, now + (long)(lifetime.TotalSeconds * time.TimestampFrequency));
        }
    }

    private void MakeRoom(long now)
    {
        foreach (var (key, entry) in _entries)
        {
            if (entry.Expires <= now)
            {
                _entries.Remove(key);
            }
        }

        if (_entries.Count >= MaxEntries)
        {
            _entries.Remove(_entries.MinBy(e => e.Value.Expires).Key);
        }
    }

    private readonly record struct Entry(DnsResponse Response, long Expires);
}

/// <summary>
/// The network, its DNS settings and the question. Includes the settings, so that cached answers are not used after the network's domain or
/// servers change.
/// </summary>
internal readonly record struct NameKey(NetworkId Network, ZeroTierDns Servers, DnsQuestion Question);
