using System.Buffers.Binary;
using ZeroTier.Managed.IpStack;
using ZeroTier.Managed.Vl2.Configuration;
using ZeroTier.Managed.Vl2.Membership;
using ZeroTier.Managed.Vl2.Rules;

namespace ZeroTier.Managed.Vl2;

/// <summary>
/// Decides which member may use which IP address on a network, for IPv4, ARP, IPv6 and neighbour discovery alike. VL1 authenticates the
/// sender's node address. Immutable.
/// </summary>
/// <remarks>
/// On an ad-hoc network every address is derived from its member's node address, so a member can use no other. On other networks the
/// controller assigns addresses and certifies them in certificates of ownership: a member that has presented one may use only the addresses
/// in it, and a member that has presented none may use any on-link address that no other member's certificate contains. Addresses outside
/// the network may be used by members that are gateways in the routes.
/// </remarks>
internal sealed class SourceAddressCheck(NetworkId network, IMembershipGate members)
{
    private const int LinkLocalPrefixLength = 10;
    private const int NeighborMessageLength = 24;
    private const int ArpLength = 28;
    private static readonly IpAddress LinkLocalPrefix = IpAddress.FromIPv6((UInt128)0xfe80 << 112);

    private readonly MemberAddressing _addressing = new(network);

    /// <summary>Whether a member may use an address.</summary>
    /// <param name="configuration">The configuration in force.</param>
    /// <param name="member">The member.</param>
    /// <param name="shown">The credentials that it has presented; null for none.</param>
    /// <param name="address">The address.</param>
    public bool MayUse(NetworkConfiguration configuration, NodeId member, IMemberCredentials? shown, in IpAddress address)
    {
        if (_addressing.TryGetSixPlaneNode(address, out var owner) || _addressing.TryGetRfc4193Node(address, out owner))
        {
            return owner == member;
        }

        if (IsOurs(configuration, address))
        {
            return false;
        }

        if (network.IsAdHoc)
        {
            return IsAdHocAddress(configuration, member, address);
        }

        if (address.IsInPrefix(LinkLocalPrefix, LinkLocalPrefixLength))
        {
            // Operating systems derive link-local addresses in various ways, so they cannot be checked.
            return true;
        }

        return IsOnLink(configuration, address)
            ? (shown is { StatesOwnership: true }
                ? shown.Owns(address)
                : members.OwnerOf(configuration, address) is not { } other || other == member)
            : IsGateway(configuration, member, shown, address);
    }

    private static bool IsOurs(NetworkConfiguration configuration, in IpAddress address)
    {
        foreach (ref readonly var own in configuration.Addresses.AsSpan())
        {
            if (own.Address == address)
            {
                return true;
            }
        }

        return false;
    }

    // docs/protocol/3-vl2.md 3.10.2: the host part of an IPv4 address is the low 24 bits of the node address.
    private bool IsAdHocAddress(NetworkConfiguration configuration, NodeId member, in IpAddress address)
    {
        if (address.IsIPv4)
        {
            foreach (ref readonly var own in configuration.Addresses.AsSpan())
            {
                if (own.Address.IsIPv4 && address.IsInPrefix(own.Address, own.PrefixLength))
                {
                    return ((uint)address.Value & 0xff_ffff) == ((uint)member.Value & 0xff_ffff);
                }
            }

            return false;
        }

        return address.IsInPrefix(LinkLocalPrefix, LinkLocalPrefixLength) && address == _addressing.Mac(member).ToLinkLocal();
    }

    private static bool IsOnLink(NetworkConfiguration configuration, in IpAddress address)
    {
        if (configuration.HasPrefixOf(address))
        {
            return true;
        }

        foreach (ref readonly var route in configuration.Routes.AsSpan())
        {
            if (route.Gateway is null && address.IsInPrefix(route.Target, route.PrefixLength))
            {
                return true;
            }
        }

        return false;
    }

    private bool IsGateway(NetworkConfiguration configuration, NodeId member, IMemberCredentials? shown, in IpAddress address)
    {
        foreach (ref readonly var route in configuration.Routes.AsSpan())
        {
            if (route.Gateway is { } gateway && address.IsInPrefix(route.Target, route.PrefixLength) && IsOnLink(configuration, gateway) &&
                MayUse(configuration, member, shown, gateway))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// Whether the sender of a frame may use every address that the frame claims: as source of a packet, as sender of an ARP packet, or as
    /// target of a neighbour advertisement. A frame that is too short to contain an address passes; the stack drops it.
    /// </summary>
    /// <param name="configuration">The configuration in force.</param>
    /// <param name="sender">The node that sent the frame, authenticated by VL1.</param>
    /// <param name="shown">The credentials that the sender has presented; null for none.</param>
    /// <param name="source">The frame's Ethernet source.</param>
    /// <param name="etherType">The frame's EtherType.</param>
    /// <param name="frame">The Ethernet payload.</param>
    public bool IsHonest(
        NetworkConfiguration configuration,
        NodeId sender,
        IMemberCredentials? shown,
        MacAddress source,
        ushort etherType,
        ReadOnlySpan<byte> frame) => etherType switch
        {
            // The unspecified address is used to probe whether an address is free (ARP: RFC 5227, 2.1.1; IPv6: RFC 4862, 5.4).
            EtherTypes.IPv4 => frame.Length < IpHeader.IPv4Length || MayUse(configuration, sender, shown, IpAddress.ReadIPv4(frame[12..])),
            EtherTypes.Arp =>
                frame.Length < ArpLength
                || IpAddress.ReadIPv4(frame[14..]) is var claimed
                    && (claimed.IsUnspecified || MayUse(configuration, sender, shown, claimed)),
            EtherTypes.IPv6 => frame.Length < IpHeader.IPv6Length || IpAddress.ReadIPv6(frame[8..]) is var address
                && (address.IsUnspecified || MayUse(configuration, sender, shown, address))
                && IsHonestNeighbor(configuration, sender, shown, source, frame),
            _ => true,
        };

    /// <summary>
    /// The address of ours that another member's frame claims, which is an address conflict (RFC 5227, 2.4; RFC 4862, 5.4.4); null for
    /// none. Derived addresses (6PLANE, RFC 4193) do not count: the controller cannot have assigned ours to another member.
    /// </summary>
    public IpAddress? FindClaimOfOurs(NetworkConfiguration configuration, ushort etherType, ReadOnlySpan<byte> frame)
    {
        IpAddress claimed;
        switch (etherType)
        {
            case EtherTypes.IPv4 when frame.Length >= IpHeader.IPv4Length:
                claimed = IpAddress.ReadIPv4(frame[12..]);
                break;
            case EtherTypes.Arp when frame.Length >= ArpLength:
                claimed = IpAddress.ReadIPv4(frame[14..]);
                break;
            case EtherTypes.IPv6 when frame.Length >= IpHeader.IPv6Length:
                claimed = IpAddress.ReadIPv6(frame[8..]);
                break;
            default:
                return null;
        }

        return IsOurs(configuration, claimed)
            && !_addressing.TryGetSixPlaneNode(claimed, out _)
            && !_addressing.TryGetRfc4193Node(claimed, out _) ? claimed : null;
    }

    // Fragments are not checked: the stack drops neighbour discovery messages that were fragmented (RFC 6980).
    private bool IsHonestNeighbor(
        NetworkConfiguration configuration, NodeId sender, IMemberCredentials? shown, MacAddress source, ReadOnlySpan<byte> packet)
    {
        packet = packet[..Math.Min(packet.Length, IpHeader.IPv6Length + BinaryPrimitives.ReadUInt16BigEndian(packet[4..]))];
        if (!QuotedPacket.TryFindTransport(packet, out var protocol, out int offset) || protocol != IpProtocol.IcmpV6
            || packet.Length - offset < NeighborMessageLength
            || packet[offset] is not (IcmpV6.NeighborSolicitation or IcmpV6.NeighborAdvertisement))
        {
            return true;
        }

        var message = packet[offset..];
        return (message[0] == IcmpV6.NeighborSolicitation || MayUse(configuration, sender, shown, IpAddress.ReadIPv6(message[8..])))
            && NamesOnly(source, message[NeighborMessageLength..]);
    }

    // Link-layer address options (RFC 4861, 4.6.1) must contain the sender's own Ethernet address; otherwise it could redirect frames.
    private static bool NamesOnly(MacAddress source, ReadOnlySpan<byte> options)
    {
        while (options.Length >= 8 && options[1] != 0 && options.Length >= options[1] * 8)
        {
            if (options[0] is 1 or 2 && MacAddress.Read(options[2..]) != source)
            {
                return false;
            }

            options = options[(options[1] * 8)..];
        }

        return true;
    }
}
