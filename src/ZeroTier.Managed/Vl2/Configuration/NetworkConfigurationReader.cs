using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using ZeroTier.Managed.IpStack;
using ZeroTier.Managed.Vl2.Credentials;
using ZeroTier.Managed.Vl2.Rules;

namespace ZeroTier.Managed.Vl2.Configuration;

/// <summary>
/// Reads a configuration from the dictionary that a controller sends (docs/protocol/3-vl2.md 3.4). The signatures of our credentials in it
/// are not checked, since the whole dictionary is authenticated.
/// </summary>
internal static class NetworkConfigurationReader
{
    private const int MinVersion = 6;
    private const int DefaultMtu = 2800;
    private const int MinMtu = 1280;
    private const int MaxMtu = 10000;
    private const int MaxNameLength = 127;
    private const int MaxAddresses = 32;
    private const int MaxRoutes = 128;
    private const int MaxSpecialists = 256;
    private const int MaxCapabilities = 128;
    private const int MaxTags = 128;
    private const int MaxOwnership = 4;
    private const int DnsDomainLength = 128;
    private const int DnsServers = 4;
    private const int MulticastLimitCeiling = 0xffff;
    private const ulong BridgeRole = 0x0000_0200_0000_0000;
    private const ulong AnchorRole = 0x0000_0400_0000_0000;
    private const ulong ReplicatorRole = 0x0000_0800_0000_0000;

    /// <summary>Reads a configuration.</summary>
    /// <param name="text">The dictionary.</param>
    /// <param name="random">For rules that match by chance.</param>
    /// <param name="configuration">The configuration.</param>
    /// <param name="issuedTo">The member to which it was issued.</param>
    /// <returns>False when its version is too old, a mandatory field is missing, or a field is malformed where that is not tolerated
    /// (3.4.3).</returns>
    public static bool TryRead(
        ReadOnlySpan<byte> text, RandomSource random, [NotNullWhen(true)] out NetworkConfiguration? configuration, out NodeId issuedTo)
    {
        configuration = null;
        var dictionary = new NetworkDictionary(text);
        var network = new NetworkId(dictionary.GetNumber("nwid"u8));
        issuedTo = new NodeId(dictionary.GetNumber("id"u8) & 0xff_ffff_ffff);
        if (dictionary.GetNumber("v"u8) < MinVersion || network.Value == 0 || issuedTo == default ||
            !TryReadMembership(dictionary.Find("C"u8), out MembershipCertificate? membership) ||
            !TryReadAddresses(dictionary.Find("I"u8), out ImmutableArray<IpInterfaceAddress> addresses) ||
            !TryReadRoutes(dictionary.Find("RT"u8), out ImmutableArray<IpRoute> routes) ||
            !RuleTable.TryRead(dictionary.Find("R"u8), RuleTable.MaxRules, out RuleTable? rules) ||
            !TryReadOwnership(dictionary.Find("COO"u8), out ImmutableArray<OwnershipCertificate> ownership) ||
            !TryReadDns(dictionary.Find("DNS"u8), out NetworkDns? dns))
        {
            return false;
        }

        var flags = (NetworkFlags)dictionary.GetNumber("f"u8);
        ImmutableArray<Capability> capabilities = ReadCapabilities(dictionary.Find("CAP"u8));
        ImmutableArray<Tag> tags = ReadTags(dictionary.Find("TAG"u8));
        var settings = new RuleSettings
        {
            UnknownMatches = flags.HasFlag(NetworkFlags.UnknownRulesMatch),
            DerivedPrefixes = flags.HasFlag(NetworkFlags.NdpEmulation) ? DerivedPrefixes(network, issuedTo, addresses) : [],
            Random = random,
        };
        configuration = new NetworkConfiguration
        {
            Id = network,
            Text = text.ToArray(),
            Name = ReadText(dictionary.Find("n"u8), MaxNameLength),
            IsPublic = dictionary.GetNumber("t"u8) == 1,
            Revision = dictionary.GetNumber("r"u8),
            Timestamp = dictionary.GetNumber("ts"u8),
            CredentialMaxDelta = dictionary.GetNumber("ctmd"u8),
            Mtu = (int)Math.Clamp(dictionary.GetNumber("mtu"u8, DefaultMtu), MinMtu, MaxMtu),
            MulticastLimit = (int)Math.Min(dictionary.GetNumber("ml"u8), MulticastLimitCeiling),
            Flags = flags,
            Addresses = addresses,
            Routes = routes,
            Filter = new RuleSet(rules, settings),
            Membership = membership,
            Capabilities = capabilities,
            Tags = tags,
            Ownership = ownership,
            Own = new CredentialView([.. capabilities, .. tags, .. ownership]),
            ShownCredentials = membership is null && capabilities.IsEmpty && tags.IsEmpty && ownership.IsEmpty
                ? default
                : CredentialList.Encode(membership, capabilities, tags, ownership),
            Specialists = ReadSpecialists(dictionary.Find("S"u8)),
            Dns = dns,
        };
        return true;
    }

    /// <summary>Decodes untrusted text: truncated, and without control characters, which could confuse a log or a terminal.</summary>
    internal static string ReadText(ReadOnlySpan<byte> bytes, int maxLength) =>
        string.Concat(
            Encoding.UTF8.GetString(bytes[..Math.Min(bytes.Length, maxLength)])
                .Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '\ufffd' : c));

    private static bool TryReadMembership(ReadOnlySpan<byte> data, out MembershipCertificate? membership)
    {
        membership = null;
        return data.IsEmpty || MembershipCertificate.TryRead(ref data, out membership);
    }

    private static bool TryReadAddresses(ReadOnlySpan<byte> data, out ImmutableArray<IpInterfaceAddress> addresses)
    {
        var builder = ImmutableArray.CreateBuilder<IpInterfaceAddress>();
        addresses = [];
        while (!data.IsEmpty && builder.Count < MaxAddresses)
        {
            if (!InetAddressEncoding.TryRead(ref data, out IpAddress? address, out int prefixLength))
            {
                return false;
            }

            if (address is { IsUnspecified: false, IsMulticast: false } ip)
            {
                builder.Add(new IpInterfaceAddress(ip, prefixLength));
            }
        }

        addresses = builder.DrainToImmutable();
        return true;
    }

    private static bool TryReadRoutes(ReadOnlySpan<byte> data, out ImmutableArray<IpRoute> routes)
    {
        var builder = ImmutableArray.CreateBuilder<IpRoute>();
        routes = [];
        while (!data.IsEmpty && builder.Count < MaxRoutes)
        {
            if (!InetAddressEncoding.TryRead(ref data, out IpAddress? target, out int prefixLength) ||
                !InetAddressEncoding.TryRead(ref data, out IpAddress? gateway, out _) || data.Length < 4)
            {
                return false;
            }

            int metric = BinaryPrimitives.ReadUInt16BigEndian(data[2..]);
            data = data[4..];

            // A route whose gateway is of the other address family, unspecified or multicast is ignored.
            if (target is { } to && (gateway is not { } via || (via.IsIPv4 == to.IsIPv4 && !via.IsUnspecified && !via.IsMulticast)))
            {
                builder.Add(new IpRoute(to, prefixLength, gateway, metric));
            }
        }

        routes = builder.DrainToImmutable();
        return true;
    }

    private static bool TryReadOwnership(ReadOnlySpan<byte> data, out ImmutableArray<OwnershipCertificate> certificates)
    {
        var builder = ImmutableArray.CreateBuilder<OwnershipCertificate>();
        certificates = [];
        while (!data.IsEmpty && builder.Count < MaxOwnership)
        {
            if (!OwnershipCertificate.TryRead(ref data, out OwnershipCertificate? certificate))
            {
                return false;
            }

            builder.Add(certificate);
        }

        certificates = builder.DrainToImmutable();
        return true;
    }

    private static bool TryReadDns(ReadOnlySpan<byte> data, out NetworkDns? dns)
    {
        dns = null;
        if (data.IsEmpty)
        {
            return true;
        }

        if (data.Length < DnsDomainLength)
        {
            return false;
        }

        ReadOnlySpan<byte> domain = data[..(DnsDomainLength - 1)];
        int end = domain.IndexOf((byte)0);
        domain = end < 0 ? domain : domain[..end];
        data = data[DnsDomainLength..];
        var servers = ImmutableArray.CreateBuilder<IpAddress>();
        for (int i = 0; i < DnsServers; i++)
        {
            if (!InetAddressEncoding.TryRead(ref data, out IpAddress? server, out _))
            {
                return false;
            }

            if (server is { IsUnspecified: false, IsMulticast: false } address)
            {
                servers.Add(address);
            }
        }

        dns = servers.Count == 0 ? null : new NetworkDns(ReadText(domain, DnsDomainLength), servers.DrainToImmutable());
        return true;
    }

    // A malformed entry ends this list, but does not invalidate the configuration (3.4.3).
    private static ImmutableArray<Capability> ReadCapabilities(ReadOnlySpan<byte> data)
    {
        var builder = new SortedDictionary<uint, Capability>();
        while (!data.IsEmpty && builder.Count < MaxCapabilities && Capability.TryRead(ref data, out Capability? capability))
        {
            builder[capability.Id] = capability;
        }

        return [.. builder.Values];
    }

    private static ImmutableArray<Tag> ReadTags(ReadOnlySpan<byte> data)
    {
        var builder = new SortedDictionary<uint, Tag>();
        while (!data.IsEmpty && builder.Count < MaxTags && Tag.TryRead(ref data, out Tag? tag))
        {
            builder[tag.Id] = tag;
        }

        return [.. builder.Values];
    }

    private static ImmutableArray<Specialist> ReadSpecialists(ReadOnlySpan<byte> data)
    {
        var builder = ImmutableArray.CreateBuilder<Specialist>();
        for (; data.Length >= 8 && builder.Count < MaxSpecialists; data = data[8..])
        {
            ulong value = BinaryPrimitives.ReadUInt64BigEndian(data);
            SpecialistRoles roles = ((value & BridgeRole) != 0 ? SpecialistRoles.ActiveBridge : 0) |
                ((value & AnchorRole) != 0 ? SpecialistRoles.Anchor : 0) |
                ((value & ReplicatorRole) != 0 ? SpecialistRoles.MulticastReplicator : 0);
            builder.Add(new Specialist(new NodeId(value & 0xff_ffff_ffff), roles));
        }

        return builder.DrainToImmutable();
    }

    private static ImmutableArray<(IpAddress Prefix, int Length)> DerivedPrefixes(
        NetworkId network, NodeId self, ImmutableArray<IpInterfaceAddress> addresses)
    {
        IpAddress sixPlane = IpAddress.From(network.GetSixPlaneAddress(self)), rfc4193 = IpAddress.From(network.GetRfc4193Address(self));
        var prefixes = ImmutableArray.CreateBuilder<(IpAddress, int)>();
        if (addresses.Any(a => a.Address == sixPlane))
        {
            prefixes.Add((sixPlane, NetworkConfiguration.SixPlanePrefixLength));
        }

        if (addresses.Any(a => a.Address == rfc4193))
        {
            prefixes.Add((rfc4193, NetworkConfiguration.Rfc4193PrefixLength));
        }

        return prefixes.DrainToImmutable();
    }
}
