using System.Buffers.Binary;

namespace ZeroTier.Managed.IpStack;

/// <summary>The part of RFC 4861 that a host without routers needs: solicitations and advertisements of neighbours. Thread-safe.</summary>
internal sealed class NeighborDiscovery(IpOutput output, NeighborCache neighbors, MacAddress mac, IpDropCounters drops)
{
    private const int FixedLength = 24;
    private const int LinkAddressOptionLength = 8;
    private const byte SourceLinkAddress = 1;
    private const byte TargetLinkAddress = 2;
    private const byte SolicitedFlag = 0x40;
    private const byte OverrideFlag = 0x20;

    /// <summary>Handles a solicitation or an advertisement whose checksum has been verified.</summary>
    public void Receive(in IpPacket packet)
    {
        var message = packet.Payload;
        bool isSolicitation = message[0] == IcmpV6.NeighborSolicitation;

        // RFC 4861, 7.1.1 and 7.1.2; hop limit 255: not forwarded by a router. RFC 6980, 5: not in fragments, since in a fragment the link
        // cannot check the target address.
        if (packet.HopLimit != 255 || packet.WasFragmented || message[1] != 0 || message.Length < FixedLength
            || !TryReadLinkAddress(message[FixedLength..], isSolicitation ? SourceLinkAddress : TargetLinkAddress, out var linkAddress))
        {
            drops.Count(IpDrop.NeighborDiscovery);
            return;
        }

        var target = IpAddress.ReadIPv6(message[8..]);
        if (target.IsMulticast)
        {
            drops.Count(IpDrop.NeighborDiscovery);
        }
        else if (isSolicitation)
        {
            OnSolicitation(packet, target, linkAddress);
        }
        else
        {
            OnAdvertisement(packet, target, linkAddress, message[4]);
        }
    }

    /// <summary>Asks who has an address.</summary>
    public void Solicit(in IpAddress target, MacAddress? lastKnown)
    {
        if (output.Interface.SelectSource(target) is not { } local)
        {
            return;
        }

        var destination = lastKnown is null ? MulticastMapping.SolicitedNode(target) : target;
        Send(
            IcmpV6.NeighborSolicitation, flags: 0, local, destination, target, SourceLinkAddress,
            lastKnown ?? MulticastMapping.ToEthernet(destination));
    }

    /// <summary>Announces to all nodes that an address is ours (RFC 4861, 7.2.6).</summary>
    public void Announce(in IpAddress local)
    {
        var everybody = MulticastMapping.AllNodes;
        Send(
            IcmpV6.NeighborAdvertisement, OverrideFlag, local, everybody, local, TargetLinkAddress, MulticastMapping.ToEthernet(everybody));
    }

    private void OnSolicitation(in IpPacket packet, in IpAddress target, MacAddress? linkAddress)
    {
        bool isProbe = packet.Source.IsUnspecified;
        if (isProbe && (linkAddress is not null || packet.Destination != MulticastMapping.SolicitedNode(target)))
        {
            drops.Count(IpDrop.NeighborDiscovery);
            return;
        }

        if (!output.Interface.Contains(target))
        {
            return;
        }

        if (isProbe)
        {
            // Duplicate address detection for one of our addresses (RFC 4862, 5.4.3).
            Announce(target);
            return;
        }

        if (linkAddress is not null)
        {
            neighbors.Seen(packet.Source, linkAddress.Value, create: output.Interface.IsOnLink(packet.Source));
        }

        // To the Ethernet source of the solicitation, which is authenticated, and not to the address in its option.
        Send(
            IcmpV6.NeighborAdvertisement, SolicitedFlag | OverrideFlag, target, packet.Source, target, TargetLinkAddress, packet.SourceMac);
    }

    private void OnAdvertisement(in IpPacket packet, in IpAddress target, MacAddress? linkAddress, byte flags)
    {
        bool solicited = (flags & SolicitedFlag) != 0;
        if (packet.Source.IsUnspecified || (solicited && packet.IsGroup) || output.Interface.Contains(target))
        {
            drops.Count(IpDrop.NeighborDiscovery);
        }
        else
        {
            neighbors.Answered(target, linkAddress, solicited, (flags & OverrideFlag) != 0);
        }
    }

    private void Send(byte type, byte flags, in IpAddress local, in IpAddress destination, in IpAddress target, byte option, MacAddress to)
    {
        const int Total = IpHeader.IPv6Length + FixedLength + LinkAddressOptionLength;
        Span<byte> packet = stackalloc byte[Total];
        IpHeader.Write(packet, local, destination, IpProtocol.IcmpV6, FixedLength + LinkAddressOptionLength, linkScope: true);
        var message = packet[IpHeader.IPv6Length..];
        message.Clear();
        message[0] = type;
        message[4] = flags;
        target.Write(message[8..]);
        message[24] = option;
        message[25] = 1;
        mac.Write(message[26..]);
        BinaryPrimitives.WriteUInt16BigEndian(message[2..], InternetChecksum.Transport(local, destination, IpProtocol.IcmpV6, message));
        var frames = output.BeginFrames();
        output.SendFrame(frames, to, EtherTypes.IPv6, packet);
        frames.Send();
    }

    /// <returns>False when the options are malformed.</returns>
    private static bool TryReadLinkAddress(ReadOnlySpan<byte> options, byte wanted, out MacAddress? linkAddress)
    {
        linkAddress = null;
        while (!options.IsEmpty)
        {
            // RFC 4861, 4.6: the length counts units of 8 bytes; 0 is invalid.
            int length = options.Length < 2 ? 0 : options[1] * 8;
            if (length == 0 || length > options.Length)
            {
                return false;
            }

            if (options[0] == wanted && length == LinkAddressOptionLength)
            {
                linkAddress ??= MacAddress.Read(options[2..]);
                if (linkAddress.Value.IsMulticast)
                {
                    return false;
                }
            }

            options = options[length..];
        }

        return true;
    }
}
