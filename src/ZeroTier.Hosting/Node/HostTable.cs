using System.Collections.Frozen;
using Microsoft.Extensions.Options;
using ZeroTier.Names;

namespace ZeroTier.Hosting.Node;

/// <summary>
/// The names of <c>ZeroTier:Hosts</c>, which come before those of networks. Replaced as a whole while names are looked up. Thread-safe.
/// </summary>
internal sealed class HostTable(IOptions<ZeroTierNodeOptions> options)
{
    private FrozenDictionary<string, string>? _hosts;

    /// <summary>What a name stands for: an address, or a member's name; null for a name that is not in the table.</summary>
    public string? Find(string name)
    {
        var hosts = Volatile.Read(ref _hosts) ?? Replace(options.Value.Hosts);
        return hosts.Count > 0 && DnsName.Normalize(name) is { } key ? hosts.GetValueOrDefault(key) : null;
    }

    /// <summary>Takes the place of the names so far.</summary>
    /// <param name="hosts">Checked.</param>
    public FrozenDictionary<string, string> Replace(IEnumerable<KeyValuePair<string, string>> hosts)
    {
        var table = hosts.ToFrozenDictionary(
            host => DnsName.Normalize(host.Key)!,
            host => NodeId.TryParse(host.Value, out var node) ? $"{node}{ZeroTierName.Suffix}" : host.Value,
            StringComparer.Ordinal);
        Volatile.Write(ref _hosts, table);
        return table;
    }
}
