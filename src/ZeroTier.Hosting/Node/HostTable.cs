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
        var hosts = Volatile.Read(ref _hosts);
        if (hosts is null)
        {
            // A change that came meanwhile is newer than what the host was started with.
            var atStart = Build(options.Value.Hosts);
            hosts = Interlocked.CompareExchange(ref _hosts, atStart, null) ?? atStart;
        }

        return hosts.Count > 0 && DnsName.Normalize(name) is { } key ? hosts.GetValueOrDefault(key) : null;
    }

    /// <summary>Takes the place of the names so far.</summary>
    /// <param name="hosts">Checked.</param>
    public void Replace(IEnumerable<KeyValuePair<string, string>> hosts) => Volatile.Write(ref _hosts, Build(hosts));

    private static FrozenDictionary<string, string> Build(IEnumerable<KeyValuePair<string, string>> hosts) => hosts.ToFrozenDictionary(
        host => DnsName.Normalize(host.Key)!,
        host => NodeId.TryParse(host.Value, out var node) ? $"{node}{ZeroTierName.Suffix}" : host.Value,
        StringComparer.Ordinal);
}
