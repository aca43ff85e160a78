namespace ZeroTier.Names;

/// <summary>Answers of name servers for as long as they allow, with bounds. Thread-safe.</summary>
internal sealed class NameCache(TimeProvider time)
{
    /// <summary>Answers that are kept; when they are as many, those that have expired go, else the one that expires first.</summary>
    internal const int MaxEntries = 1024;

    /// <summary>An answer is kept no longer, whatever its server says.</summary>
    internal static readonly TimeSpan MaxLifetime = TimeSpan.FromHours(1);

    /// <summary>
    /// That there is no such name, or no such address, is kept no longer (RFC 2308, 5 recommends one to three hours; people wait for names
    /// that they have just added).
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

/// <summary>Whom was asked what. With other servers or another domain, answers of before are not found any more.</summary>
internal readonly record struct NameKey(NetworkId Network, ZeroTierDns Servers, DnsQuestion Question);
