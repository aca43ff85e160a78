using System.Net;
using ZeroTier.Controller.Members;
using ZeroTier.Managed;
using ZeroTier.Managed.Net;
using ZeroTier.Managed.Vl2;
using ZeroTier.Managed.Vl2.Configuration;
using ZeroTier.Managed.Vl2.Credentials;
using ZeroTier.Managed.Vl2.Rules;

namespace ZeroTier.Controller.Configuration;

/// <summary>Writes the configuration of one member, with its credentials signed (docs/protocol/3-vl2.md 3.14, 3.4).</summary>
internal static class ConfigurationWriter
{
    private const int Version = 7;
    private const int MaxAddresses = 32;
    private const int MaxTags = 128;
    private const int MaxCapabilities = 128;
    private const int MaxOwnershipCertificates = 4;

    /// <summary>Writes the configuration dictionary.</summary>
    /// <param name="controller">The controller's identity, which signs the credentials.</param>
    /// <param name="network">The network.</param>
    /// <param name="member">The member, with its identity.</param>
    /// <param name="addresses">Its addresses, from <see cref="AddressesOf"/>.</param>
    /// <param name="time">The timestamp in milliseconds since 1970, higher than any that this member was sent before.</param>
    /// <param name="understandsRules">False for nodes that do not support rules.</param>
    public static byte[] Write(
        NodeIdentity controller,
        EncodedNetwork network,
        ControllerMember member,
        IReadOnlyList<(IpAddress Address, int PrefixLength)> addresses,
        ulong time,
        bool understandsRules)
    {
        ControllerNetwork record = network.Network;
        ulong window = (ulong)record.EffectiveCertificateWindow.TotalMilliseconds;
        bool isDerived = member.AssignsAddresses && (record.IPv6Assignment & (IPv6Assignment.Rfc4193 | IPv6Assignment.SixPlane)) != 0;
        NetworkFlags flags = (record.AllowsBroadcast ? NetworkFlags.Broadcast : 0) | (isDerived ? NetworkFlags.NdpEmulation : 0);
        var writer = new NetworkDictionaryWriter()
            .Add("v", Version).Add("nwid", record.Id.Value).Add("ts", time).Add("ctmd", window).Add("r", (ulong)record.Revision).Add("id",
                member.Node.ToString());
        AddTrace(writer, record, member);
        writer
            .Add("f", (ulong)flags)
            .Add("ml", record.MulticastLimit)
            .Add("t", record.IsPrivate ? 0UL : 1UL)
            .Add("n", network.Name)
            .Add("mtu",
                (ulong)record.Mtu)
            .Add("C", MembershipCertificate.Issue(controller, record.Id, time, window, member.Identity!));
        if (understandsRules)
        {
            writer.Add("CAP", Capabilities(controller, network, member, time)).Add("TAG", Tags(controller, record, member, time));
        }

        writer.Add("COO", Ownership(controller, record, member, addresses, time)).Add("S", network.Specialists).Add("RT", network.Routes)
            .Add("I", Addresses(addresses)).Add("R", understandsRules ? network.Rules : EncodedNetwork.AcceptAll).Add("DNS", network.Dns)
            .Add("ssov", 0).Add("ssoe", false);
        return writer.ToArray();
    }

    /// <summary>The addresses of a member, managed ones first, each with its prefix length.</summary>
    /// <param name="network">The network.</param>
    /// <param name="member">The member.</param>
    /// <param name="table">The addresses and their holders.</param>
    /// <param name="state">Gets the conflict flag when an address belongs to another member; that address is omitted.</param>
    public static List<(IpAddress Address, int PrefixLength)> AddressesOf(
        ControllerNetwork network, ControllerMember member, AddressTable table, ref AddressState state)
    {
        // A configuration has a limited number of addresses. Those that follow from the member's node always find room.
        var derived = new List<(IpAddress, int)>();
        if (member.AssignsAddresses)
        {
            if (network.IPv6Assignment.HasFlag(IPv6Assignment.Rfc4193))
            {
                derived.Add((IpAddress.From(network.Id.GetRfc4193Address(member.Node)), NetworkConfiguration.Rfc4193PrefixLength));
            }

            if (network.IPv6Assignment.HasFlag(IPv6Assignment.SixPlane))
            {
                derived.Add((IpAddress.From(network.Id.GetSixPlaneAddress(member.Node)), NetworkConfiguration.SixPlanePrefixLength));
            }
        }

        var addresses = new List<(IpAddress, int)>();
        foreach (IPAddress text in member.Addresses)
        {
            var address = IpAddress.From(text);
            if (table.HolderOf(address) is { } holder && holder != member.Node)
            {
                state |= AddressState.Conflict;
            }
            else if (addresses.Count + derived.Count < MaxAddresses
                && AddressAssignment.TryGetPrefix(network, address, out int prefixLength)
                && !addresses.Contains((address, prefixLength)))
            {
                addresses.Add((address, prefixLength));
            }
        }

        addresses.AddRange(derived);
        return addresses;
    }

    private static void AddTrace(NetworkDictionaryWriter writer, ControllerNetwork network, ControllerMember member)
    {
        if ((member.RemoteTraceTarget ?? network.RemoteTraceTarget) is { } text && NodeId.TryParse(text, out NodeId target))
        {
            writer.Add("tt", target.ToString())
                .Add("tl", (ulong)(member.RemoteTraceTarget is null ? network.RemoteTraceLevel : member.RemoteTraceLevel));
        }
    }

    private static byte[] Capabilities(NodeIdentity controller, EncodedNetwork network, ControllerMember member, ulong time)
    {
        var bytes = new List<byte>();
        int count = 0;
        foreach (uint id in member.Capabilities)
        {
            if (network.Capabilities.TryGetValue(id, out RuleTable? rules) && count++ < MaxCapabilities)
            {
                bytes.AddRange(Capability.Issue(controller, network.Network.Id, time, id, rules, member.Node));
            }
        }

        return [.. bytes];
    }

    private static byte[] Tags(NodeIdentity controller, ControllerNetwork network, ControllerMember member, ulong time)
    {
        var bytes = new List<byte>();
        foreach ((uint id, uint value) in member.Tags.Take(MaxTags))
        {
            bytes.AddRange(Tag.Issue(controller, network.Id, time, id, value, member.Node));
        }

        return [.. bytes];
    }

    private static byte[] Ownership(
        NodeIdentity controller,
        ControllerNetwork network,
        ControllerMember member,
        IReadOnlyList<(IpAddress Address, int PrefixLength)> addresses,
        ulong time)
    {
        var bytes = new List<byte>();
        uint id = 0;
        foreach (var part in addresses.Select(a => a.Address).Chunk(OwnershipCertificate.MaxThings).Take(MaxOwnershipCertificates))
        {
            bytes.AddRange(OwnershipCertificate.Issue(controller, network.Id, time, ++id, part, member.Node));
        }

        return [.. bytes];
    }

    private static byte[] Addresses(IReadOnlyList<(IpAddress Address, int PrefixLength)> addresses)
    {
        var bytes = new List<byte>();
        foreach ((IpAddress address, int prefixLength) in addresses)
        {
            InetAddressEncoding.Write(bytes, address, prefixLength);
        }

        return [.. bytes];
    }
}
