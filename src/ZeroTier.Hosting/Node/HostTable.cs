using System.Collections.Frozen;
using Microsoft.Extensions.Options;
using ZeroTier.Names;

namespace ZeroTier.Hosting.Node;

/// <summary>The names of <c>ZeroTier:Hosts</c>, which take precedence over names of networks. Replaced atomically. Thread-safe.</summary>
internal sealed class HostTable(IOptions<ZeroTierNodeOptions> options)
{
    private FrozenDictionary<string, string>? _hosts;

    /// <summary>The address or member name that a name stands for; null when it is not in the table.</summary>
    public string? Find(string name)
    {
        var hosts = Volatile.Read(ref _hosts);
        if (hosts is null)
        {
            // A table set by Replace in the meantime is newer than the options at start.
            var atStart = Build(options.Value.Hosts);
            hosts = Interlocked.CompareExchange(ref _hosts, atStart, null) ?? atStart;
        }

        return hosts.Count > 0 && DnsName.Normalize(name) is { } key ? hosts.GetValueOrDefault(key) : null;
    }

    /// <summary>Replaces all names.</summary>
    /// <param name="hosts">The new names; validated.</param>
    public void Replace(IEnumerable<KeyValuePair<string, string>> hosts) => Volatile.Write(ref _hosts, Build(hosts));

    private static FrozenDictionary<string, string> Build(IEnumerable<KeyValuePair<string, string>> hosts) => hosts.ToFrozenDictionary(
        host => DnsName.Normalize(host.Key)!,
        host => NodeId.TryParse(host.Value, out var node) ? $"{node}{ZeroTierName.Suffix}" : host.Value,
        StringComparer.Ordinal);
}
