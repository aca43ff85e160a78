using System.Buffers.Binary;

namespace ZeroTier.Managed.Vl2.Rules;

/// <summary>
/// The fixed rules of an ad-hoc network (docs/protocol/3-vl2.md 3.10.1), in both directions: IPv6 only, and TCP connections only to a range
/// of ports.
/// </summary>
/// <remarks>
/// Stricter than ZeroTierOne 1.12 in one point: that does not look behind a fragment header, so a fragmented SYN would pass to any port.
/// Here the rules are applied behind it, and a first fragment that ends before the TCP flags, or within the headers before them, is dropped
/// (the attack of RFC 7112). In fragments, bytes beyond the payload length of the IPv6 header are ignored, as the stack cuts them off.
/// </remarks>
internal sealed class PortRangeFilter(PortRange openPorts) : IFrameFilter
{
    private const int Ipv6HeaderLength = 40;
    private const int TcpFlagsOffset = 13;
    private const int Syn = 0x02;
    private const int Ack = 0x10;
    private const int MobilityHeader = 135;

    public PortRange OpenPorts => openPorts;

    public Verdict Evaluate(in FrameContext frame) => Accepts(frame.EtherType, frame.Frame) ? Verdict.Accept : Verdict.Drop;

    private bool Accepts(ushort etherType, ReadOnlySpan<byte> frame)
    {
        if (etherType != EtherTypes.IPv6)
        {
            return false;
        }

        if (!TryFindTransport(frame, out var protocol, out int position, out bool fragmented))
        {
            return !fragmented;
        }

        if (protocol != IpProtocol.Tcp)
        {
            return true;
        }

        int end = fragmented ? Math.Min(frame.Length, Ipv6HeaderLength + BinaryPrimitives.ReadUInt16BigEndian(frame[4..])) : frame.Length;
        return position > end ? !fragmented : AcceptsTcp(frame[position..end], fragmented);
    }

    private bool AcceptsTcp(ReadOnlySpan<byte> tcp, bool fragmented)
    {
        // 3.6.3: with fewer bytes the flags are not evaluated, so it is no SYN. The stack drops such a segment, unless the rest follows in
        // another fragment.
        if (tcp.Length <= TcpFlagsOffset + 1)
        {
            return !fragmented;
        }

        int flags = tcp[TcpFlagsOffset];
        if ((flags & Syn) == 0 || (flags & Ack) != 0)
        {
            return true;
        }

        // 3.18: port 0 never matches.
        ushort port = BinaryPrimitives.ReadUInt16BigEndian(tcp[2..]);
        return port != 0 && openPorts.Contains(port);
    }

    /// <summary>
    /// Walks the extension headers to the transport header (3.6.3). False when the packet ends before it, or is a fragment other than the
    /// first, which has none. <paramref name="fragmented"/> is set for a first fragment.
    /// </summary>
    private static bool TryFindTransport(ReadOnlySpan<byte> frame, out IpProtocol protocol, out int position, out bool fragmented)
    {
        protocol = IpProtocol.NoNextHeader;
        position = Ipv6HeaderLength;
        fragmented = false;
        if (frame.Length < Ipv6HeaderLength)
        {
            return false;
        }

        protocol = (IpProtocol)frame[6];
        while (position <= frame.Length)
        {
            switch (protocol)
            {
                case IpProtocol.HopByHopOptions or IpProtocol.RoutingHeader or IpProtocol.DestinationOptions or (IpProtocol)MobilityHeader:
                    if (position + 8 > frame.Length)
                    {
                        return false;
                    }

                    protocol = (IpProtocol)frame[position];
                    position += (8 * frame[position + 1]) + 8;
                    break;

                case IpProtocol.FragmentHeader:
                    if (position + 8 > frame.Length)
                    {
                        return false;
                    }

                    ushort offsetAndFlags = BinaryPrimitives.ReadUInt16BigEndian(frame[(position + 2)..]);
                    if ((offsetAndFlags & 0xfff8) != 0)
                    {
                        return false;
                    }

                    fragmented = true;
                    protocol = (IpProtocol)frame[position];
                    position += 8;
                    break;

                default:
                    return true;
            }
        }

        return false;
    }
}
