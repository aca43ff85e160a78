using System.Buffers.Binary;

namespace ZeroTier.Managed.IpStack;

/// <summary>Sends ICMP error messages: RFC 792 with RFC 1122, 3.2.2, and RFC 4443, 2.4. Rate-limited. Thread-safe.</summary>
internal sealed class IcmpErrors(IpOutput output, IpDropCounters drops, TimeProvider time)
{
    private const int HeaderLength = 8;

    // RFC 1812, 4.3.2.3: an IPv4 error is at most 576 bytes long; RFC 4443, 2.4 (c): an IPv6 error at most the minimum MTU.
    private const int MaxIPv4 = 576;
    private const int MaxIPv6 = IpHeader.IPv6MinimumMtu;

    // RFC 4443, 2.4 (f): the rate of errors must be limited.
    private static readonly TokenRate Rate = new(Burst: 50, PerSecond: 50);

    private readonly Lock _gate = new();
    private readonly long _start = time.GetTimestamp();
    private TokenBucket _bucket;

    public void PortUnreachable(in IpPacket packet)
    {
        if (!packet.IsGroup)
        {
            SendUnreachable(packet.Packet, packet.Source.IsIPv4 ? IcmpV4.PortUnreachable : IcmpV6.PortUnreachable);
        }
    }

    /// <summary>The packet's transport protocol is not supported.</summary>
    public void ProtocolUnreachable(in IpPacket packet)
    {
        if (packet.IsGroup)
        {
            return;
        }

        if (packet.Source.IsIPv4)
        {
            SendUnreachable(packet.Packet, IcmpV4.ProtocolUnreachable);
        }
        else
        {
            ParameterProblem(packet.Packet, IcmpV6.UnrecognizedNextHeader, packet.ProtocolOffset);
        }
    }

    /// <summary>IPv6: the field at this offset of the packet is invalid or not supported.</summary>
    public void ParameterProblem(ReadOnlySpan<byte> packet, byte code, int pointer) =>
        Send(packet, IcmpV6.ParameterProblem, code, (uint)pointer);

    /// <summary>
    /// A packet stayed incomplete. One to a group is not reported: every member of it would answer (RFC 1122, 3.2.2; RFC 4443, 2.4 (e.3)).
    /// </summary>
    public void ReassemblyTimeExceeded(ReadOnlySpan<byte> packet)
    {
        bool isIPv4 = packet[0] >> 4 == 4;
        if (!output.Interface.Contains(Destination(packet, isIPv4)))
        {
            return;
        }

        if (isIPv4)
        {
            Send(packet, IcmpV4.TimeExceeded, IcmpV4.ReassemblyTime, 0);
        }
        else
        {
            Send(packet, IcmpV6.TimeExceeded, IcmpV6.ReassemblyTime, 0);
        }
    }

    private static IpAddress Destination(ReadOnlySpan<byte> packet, bool isIPv4) =>
        isIPv4 ? IpAddress.ReadIPv4(packet[16..]) : IpAddress.ReadIPv6(packet[24..]);

    private void SendUnreachable(ReadOnlySpan<byte> packet, byte code) =>
        Send(packet, packet[0] >> 4 == 4 ? IcmpV4.Unreachable : IcmpV6.Unreachable, code, 0);

    private void Send(ReadOnlySpan<byte> invoking, byte type, byte code, uint parameter)
    {
        bool isIPv4 = invoking[0] >> 4 == 4;
        var remote = isIPv4 ? IpAddress.ReadIPv4(invoking[12..]) : IpAddress.ReadIPv6(invoking[8..]);
        var destination = Destination(invoking, isIPv4);
        if (remote.IsUnspecified || IsIcmpError(invoking, isIPv4))
        {
            return;
        }

        // The source is the address that the packet was sent to. If that is a group, it is one of our own addresses: an unknown option is
        // reported for multicast as well (RFC 4443, 2.2 and 2.4 (e.3)).
        var local = output.Interface.Contains(destination) ? destination : output.Interface.SelectSource(remote);
        if (local is null)
        {
            return;
        }

        if (!TryTakeToken())
        {
            drops.Count(IpDrop.IcmpRate);
            return;
        }

        int quoted = Math.Min(
            invoking.Length, isIPv4 ? MaxIPv4 - IpHeader.IPv4Length - HeaderLength : MaxIPv6 - IpHeader.IPv6Length - HeaderLength);
        var protocol = isIPv4 ? IpProtocol.Icmp : IpProtocol.IcmpV6;
        var batch = output.BeginBatch();
        var message = batch.Reserve(local.Value, remote, protocol, HeaderLength + quoted);
        message[0] = type;
        message[1] = code;
        message[2..4].Clear();
        BinaryPrimitives.WriteUInt32BigEndian(message[4..], parameter);
        invoking[..quoted].CopyTo(message[HeaderLength..]);
        ushort checksum = isIPv4 ? InternetChecksum.Compute(message) : InternetChecksum.Transport(local.Value, remote, protocol, message);
        BinaryPrimitives.WriteUInt16BigEndian(message[2..], checksum);
        batch.Commit();
        batch.Send();
    }

    private bool TryTakeToken()
    {
        lock (_gate)
        {
            return _bucket.TryTake(Rate, (long)time.GetElapsedTime(_start).TotalMilliseconds);
        }
    }

    // No error is sent about an error message (RFC 1122, 3.2.2; RFC 4443, 2.4 (e.1)). ICMPv6 is also found behind extension headers.
    private static bool IsIcmpError(ReadOnlySpan<byte> packet, bool isIPv4)
    {
        if (isIPv4)
        {
            int header = (packet[0] & 0xf) * 4;
            return packet[9] == (byte)IpProtocol.Icmp && (packet.Length <= header || IcmpV4.IsError(packet[header]));
        }

        return QuotedPacket.TryFindTransport(packet, out var protocol, out int offset)
            && protocol == IpProtocol.IcmpV6 && (packet.Length <= offset || IcmpV6.IsError(packet[offset]));
    }
}
