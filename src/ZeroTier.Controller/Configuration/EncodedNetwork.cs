using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Net;
using System.Text.Unicode;
using ZeroTier.Controller.Rules;
using ZeroTier.Managed.Net;
using ZeroTier.Managed.Vl2.Configuration;
using ZeroTier.Managed.Vl2.Rules;

namespace ZeroTier.Controller.Configuration;

/// <summary>
/// The parts of a configuration that are the same for all members of a network (docs/protocol/3-vl2.md 3.4). Immutable; created again when
/// the network changes.
/// </summary>
internal sealed class EncodedNetwork
{
    private const int MaxRoutes = 128;
    private const int MaxSpecialists = 256;
    private const int MaxNameLength = 127;
    private const int DnsDomainLength = 128;
    private const int DnsServers = 4;
    private const ulong BridgeRole = 0x0000_0200_0000_0000;

    public EncodedNetwork(ControllerNetwork network, IEnumerable<NodeId> bridges, IReadOnlyList<IpAddress> nameServers)
    {
        Network = network;
        Name = Cut(network.Name, MaxNameLength);
        Rules = Encode(Table(network.Rules, NetworkRule.MaxPerNetwork));
        Capabilities = network.Capabilities.Take(NetworkCapability.MaxPerNetwork).GroupBy(c => c.Id)
            .ToDictionary(c => c.Key, c => Table(c.Last().Rules, NetworkRule.MaxPerCapability));
        Routes = EncodeRoutes(network);
        Dns = EncodeDns(network.Dns, nameServers);
        Specialists = [.. bridges.Take(MaxSpecialists).SelectMany(b => Bytes(b.Value | BridgeRole))];
    }

    /// <summary>A rule table that accepts everything, for nodes that do not support rules.</summary>
    public static byte[] AcceptAll { get; } = Encode(Table([NetworkRule.Accept], 1));

    public ControllerNetwork Network { get; }

    public byte[] Name { get; }

    public byte[] Rules { get; }

    public IReadOnlyDictionary<uint, RuleTable> Capabilities { get; }

    public byte[] Routes { get; }

    public byte[] Dns { get; }

    public byte[] Specialists { get; }

    // If there are more rules than members accept, an empty table is sent, which drops everything: a truncated one might permit what the
    // last rules forbid.
    private static RuleTable Table(ImmutableArray<NetworkRule> rules, int max) =>
        rules.Length > max ? RuleTable.Empty : RuleEncoding.ToTable(rules, max);

    private static byte[] Encode(RuleTable table)
    {
        byte[] bytes = new byte[table.EncodedLength];
        table.Write(bytes);
        return bytes;
    }

    private static byte[] EncodeRoutes(ControllerNetwork network)
    {
        var bytes = new List<byte>();
        foreach (NetworkRoute route in network.Routes.Take(MaxRoutes))
        {
            InetAddressEncoding.Write(bytes, IpAddress.From(route.Target), route.PrefixLength);
            InetAddressEncoding.Write(bytes, route.Via is { } via ? IpAddress.From(via) : null, 0);

            // Flags and metric.
            bytes.AddRange((byte)0, (byte)0, (byte)0, (byte)0);
        }

        return [.. bytes];
    }

    private static byte[] EncodeDns(NetworkDnsSettings? dns, IReadOnlyList<IpAddress> own)
    {
        var bytes = new List<byte>();
        // Only one of the controller's own addresses per family, to leave room for the network's other servers.
        IpAddress?[] servers =
        [
            .. own.DistinctBy(a => a.IsIPv4).Select(a => (IpAddress?)a),
            .. dns is null ? [] : dns.Servers.Select(ReadServer),
        ];
        bytes.AddRange(Cut(dns?.Domain ?? "", DnsDomainLength - 1));
        bytes.AddRange(new byte[DnsDomainLength - bytes.Count]);
        for (int i = 0; i < DnsServers; i++)
        {
            // No port: ZeroTierOne sends 0 here.
            InetAddressEncoding.Write(bytes, i < servers.Length ? servers[i] : null, 0);
        }

        return [.. bytes];
    }

    private static IpAddress? ReadServer(string text) => IPAddress.TryParse(text, out IPAddress? server) ? IpAddress.From(server) : null;

    // Truncates at a character boundary.
    private static byte[] Cut(string text, int maxLength)
    {
        byte[] bytes = new byte[maxLength];
        Utf8.FromUtf16(text, bytes, out _, out int length);
        return bytes[..length];
    }

    private static byte[] Bytes(ulong value)
    {
        byte[] bytes = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, value);
        return bytes;
    }
}
