using System.Buffers.Binary;

namespace ZeroTier.Managed.IpStack;

/// <summary>Handles received ICMP and ICMPv6 messages: echo, errors about our packets, neighbour discovery. Thread-safe.</summary>
internal sealed class IcmpLayer(IpOutput output, IpDropCounters drops, EchoClient echo, NeighborDiscovery discovery)
{
    private const int HeaderLength = 8;

    public void Receive(in IpPacket packet)
    {
        bool isIPv4 = packet.Source.IsIPv4;
        var message = packet.Payload;
        ushort checksum = message.Length < HeaderLength ? (ushort)1
            : isIPv4 ? InternetChecksum.Compute(message)
            : InternetChecksum.Transport(packet.Source, packet.Destination, IpProtocol.IcmpV6, message);
        if (checksum != 0)
        {
            drops.Count(IpDrop.Icmp);
            return;
        }

        if (isIPv4)
        {
            ReceiveV4(packet, message);
        }
        else if (message[0] is IcmpV6.NeighborSolicitation or IcmpV6.NeighborAdvertisement)
        {
            discovery.Receive(packet);
        }
        else if (packet.Source.IsUnspecified)
        {
            drops.Count(IpDrop.Martian);
        }
        else
        {
            ReceiveV6(packet, message);
        }
    }

    private void ReceiveV4(in IpPacket packet, ReadOnlySpan<byte> message)
    {
        switch (message[0])
        {
            // RFC 1122, 3.2.2.6: an echo request to a broadcast address may be ignored.
            case IcmpV4.EchoRequest when !packet.IsGroup:
                Reply(packet, IcmpV4.EchoReply);
                break;
            case IcmpV4.EchoReply:
                echo.OnReply(packet.Source, message);
                break;
            case IcmpV4.Unreachable when message[1] == IcmpV4.FragmentationNeeded:
                OnPathMtu(packet.SourceMac, message[HeaderLength..], BinaryPrimitives.ReadUInt16BigEndian(message[6..]));
                break;
            case IcmpV4.Unreachable:
                OnUnreachable(packet.SourceMac, message[HeaderLength..]);
                break;
        }
    }

    private void ReceiveV6(in IpPacket packet, ReadOnlySpan<byte> message)
    {
        switch (message[0])
        {
            case IcmpV6.EchoRequest:
                Reply(packet, IcmpV6.EchoReply);
                break;
            case IcmpV6.EchoReply:
                echo.OnReply(packet.Source, message);
                break;
            case IcmpV6.PacketTooBig:
                OnPathMtu(packet.SourceMac, message[HeaderLength..], BinaryPrimitives.ReadUInt32BigEndian(message[4..]));
                break;
            case IcmpV6.Unreachable:
                OnUnreachable(packet.SourceMac, message[HeaderLength..]);
                break;
        }
    }

    /// <summary>A packet of ours could not be delivered: a ping that waits for its reply fails.</summary>
    /// <param name="packet">The beginning of our packet.</param>
    public void OnUnreachable(ReadOnlySpan<byte> packet)
    {
        if (TryReadOurs(packet, out _, out var destination)
            && QuotedPacket.TryFindTransport(packet, out var protocol, out int offset)
            && protocol is IpProtocol.Icmp or IpProtocol.IcmpV6
            && packet.Length >= offset + HeaderLength)
        {
            echo.OnUnreachable(destination, packet[offset..]);
        }
    }

    private void OnUnreachable(MacAddress reporter, ReadOnlySpan<byte> packet)
    {
        if (TryReadOurs(packet, out _, out var destination) && IsOnTheWay(reporter, destination))
        {
            OnUnreachable(packet);
        }
    }

    private void OnPathMtu(MacAddress reporter, ReadOnlySpan<byte> packet, uint mtu)
    {
        if (TryReadOurs(packet, out _, out var destination) && IsOnTheWay(reporter, destination))
        {
            // A router older than RFC 1191 reports 0; the table then takes the minimum.
            output.PathMtus.Reduce(destination, (int)Math.Min(mtu, ushort.MaxValue), output.Interface.Mtu);
        }
    }

    // RFC 5927, 4 and RFC 8201, 4: accept a report only from a node that can have seen the packet. The link authenticates senders, and only
    // the next hop to the destination has seen it; any other member could only slow down traffic that is not its own.
    private bool IsOnTheWay(MacAddress reporter, in IpAddress destination)
    {
        if (!destination.IsMulticast
            && output.FindRoute(destination, out _, out var nextHop) == IpOutput.Route.Neighbor
            && nextHop == reporter)
        {
            return true;
        }

        drops.Count(IpDrop.Icmp);
        return false;
    }

    // False unless the quoted packet has one of our addresses as its source.
    private bool TryReadOurs(ReadOnlySpan<byte> packet, out IpAddress source, out IpAddress destination)
    {
        source = destination = default;
        if (packet.Length >= IpHeader.IPv4Length && packet[0] >> 4 == 4)
        {
            source = IpAddress.ReadIPv4(packet[12..]);
            destination = IpAddress.ReadIPv4(packet[16..]);
        }
        else if (packet.Length >= IpHeader.IPv6Length && packet[0] >> 4 == 6)
        {
            source = IpAddress.ReadIPv6(packet[8..]);
            destination = IpAddress.ReadIPv6(packet[24..]);
        }
        else
        {
            drops.Count(IpDrop.Icmp);
            return false;
        }

        return output.Interface.Contains(source);
    }

    private void Reply(in IpPacket packet, byte type)
    {
        // RFC 4443, 4.2: a request to a group is answered from one of our own addresses.
        var local = packet.IsGroup ? output.Interface.SelectSource(packet.Source) : packet.Destination;
        if (local is null)
        {
            return;
        }

        bool isIPv4 = packet.Source.IsIPv4;
        var protocol = isIPv4 ? IpProtocol.Icmp : IpProtocol.IcmpV6;
        var batch = output.BeginBatch();
        var reply = batch.Reserve(local.Value, packet.Source, protocol, packet.Payload.Length);
        packet.Payload.CopyTo(reply);
        reply[0] = type;
        reply[1] = 0;
        reply[2..4].Clear();
        ushort checksum = isIPv4
            ? InternetChecksum.Compute(reply)
            : InternetChecksum.Transport(local.Value, packet.Source, protocol, reply);
        BinaryPrimitives.WriteUInt16BigEndian(reply[2..], checksum);
        batch.Commit();
        batch.Send();
    }
}
