using System.Buffers.Binary;

namespace ZeroTier.Managed.IpStack;

/// <summary>RFC 826 for IPv4 on Ethernet. Thread-safe.</summary>
internal sealed class Arp(IpOutput output, NeighborCache neighbors, MacAddress mac, IpDropCounters drops)
{
    internal const int Length = 28;
    private const ushort Request = 1;
    private const ushort Reply = 2;

    // Hardware type Ethernet, protocol type IPv4, address lengths 6 and 4.
    private const ulong Prefix = 0x0001_0800_0604;

    public void Receive(MacAddress source, ReadOnlySpan<byte> packet)
    {
        if (packet.Length < Length || BinaryPrimitives.ReadUInt64BigEndian(packet) >> 16 != Prefix)
        {
            drops.Count(IpDrop.Arp);
            return;
        }

        int operation = BinaryPrimitives.ReadUInt16BigEndian(packet[6..]);
        var senderMac = MacAddress.Read(packet[8..]);
        var sender = IpAddress.ReadIPv4(packet[14..]);
        var target = IpAddress.ReadIPv4(packet[24..]);

        // The ARP sender must be the Ethernet source: a packet about another station's address is dropped as forged.
        if (operation is not (Request or Reply) || senderMac != source || sender.IsMulticast || output.Interface.IsBroadcast(sender))
        {
            drops.Count(IpDrop.Arp);
            return;
        }

        var addresses = output.Interface;
        bool forUs = addresses.Contains(target);

        // RFC 5227, 2.1.1: a probe has no sender address yet and is only answered.
        if (!sender.IsUnspecified)
        {
            if (addresses.Contains(sender))
            {
                drops.Count(IpDrop.Spoof);
                return;
            }

            if (operation == Reply && forUs)
            {
                neighbors.Answered(sender, senderMac, solicited: true, isOverride: true);
            }
            else
            {
                neighbors.Seen(sender, senderMac, create: forUs && addresses.IsOnLink(sender));
            }
        }

        if (operation == Request && forUs)
        {
            Send(Reply, target, sender, senderMac, source);
        }
    }

    /// <summary>Asks who has an address.</summary>
    public void Solicit(in IpAddress target, MacAddress? lastKnown)
    {
        if (output.Interface.SelectSource(target) is { } local)
        {
            Send(Request, local, target, default, lastKnown ?? MacAddress.Broadcast);
        }
    }

    /// <summary>Announces one of our addresses: a broadcast ARP request with sender and target address equal (RFC 5227, 2.3).</summary>
    public void Announce(in IpAddress local) => Send(Request, local, local, default, MacAddress.Broadcast);

    private void Send(ushort operation, in IpAddress local, in IpAddress target, MacAddress targetMac, MacAddress destination)
    {
        Span<byte> packet = stackalloc byte[Length];
        BinaryPrimitives.WriteUInt64BigEndian(packet, Prefix << 16 | operation);
        mac.Write(packet[8..]);
        local.Write(packet[14..]);
        targetMac.Write(packet[18..]);
        target.Write(packet[24..]);
        var frames = output.BeginFrames();
        output.SendFrame(frames, destination, EtherTypes.Arp, packet);
        frames.Send();
    }
}
