using System.Buffers.Binary;

namespace ZeroTier.Managed.Vl2.Rules;

/// <summary>
/// The positions of a frame's headers, found once for all rules (docs/protocol/3-vl2.md 3.6.3). Fragments are not treated specially, since
/// all nodes of a network must come to the same result.
/// </summary>
internal readonly ref struct FrameHeaders
{
    private const int IPv4HeaderLength = 20;
    private const int IPv6HeaderLength = 40;
    private const int MobilityHeader = 135;
    private const int UdpLite = 136;
    private const int Sctp = 132;
    private const int NeighborAdvertisementLength = 64;
    private const byte NeighborSolicitation = 135;
    private const byte NeighborAdvertisement = 136;

    private readonly ReadOnlySpan<byte> _frame;

    // Offset of the upper-layer header; -1 when there is none.
    private readonly int _upper;

    public FrameHeaders(ushort etherType, ReadOnlySpan<byte> frame)
    {
        _frame = frame;
        _upper = -1;
        if (etherType == EtherTypes.IPv4 && frame.Length >= IPv4HeaderLength)
        {
            IsIPv4 = true;
            Protocol = frame[9];
            _upper = (frame[0] & 15) * 4;
        }
        else if (etherType == EtherTypes.IPv6 && frame.Length >= IPv6HeaderLength)
        {
            IsIPv6 = true;
            (Protocol, _upper) = FindUpperLayer(frame);
        }
        else if (etherType == EtherTypes.Arp && frame.Length >= 28)
        {
            IsArp = true;
        }
    }

    public bool IsIPv4 { get; }

    public bool IsIPv6 { get; }

    public bool IsArp { get; }

    /// <summary>The upper-layer protocol; -1 when it was not found.</summary>
    public int Protocol { get; } = -1;

    public int TypeOfService => IsIPv4 ? _frame[1] : IsIPv6 ? (_frame[0] & 0x0f) << 4 | _frame[1] >> 4 : -1;

    /// <summary>Type and code of an ICMP message.</summary>
    public bool TryGetIcmp(out byte type, out byte code)
    {
        (type, code) = (0, 0);
        bool isIcmp = Protocol == (int)(IsIPv4 ? IpProtocol.Icmp : IpProtocol.IcmpV6);
        if (!isIcmp || _upper < 0 || _frame.Length < _upper + 2)
        {
            return false;
        }

        (type, code) = (_frame[_upper], _frame[_upper + 1]);
        return true;
    }

    /// <summary>The source or destination port of TCP, UDP, SCTP or UDP-Lite. Port 0 never matches over IPv6 (3.18).</summary>
    public bool TryGetPort(bool destination, out int port)
    {
        port = 0;
        if (_upper < 0 || Protocol is not ((int)IpProtocol.Tcp or (int)IpProtocol.Udp or Sctp or UdpLite) || _frame.Length <= _upper + 4)
        {
            return false;
        }

        port = BinaryPrimitives.ReadUInt16BigEndian(_frame[(_upper + (destination ? 2 : 0))..]);
        return port != 0 || IsIPv4;
    }

    /// <summary>The flags of the TCP header, and above them the low four bits of its byte 12; 0 when there is no TCP header.</summary>
    public ulong TcpFlags()
    {
        // As in ZeroTierOne 1.12, a byte behind the flags must be there over IPv6, but not over IPv4.
        int needed = _upper + (IsIPv6 ? 15 : 14);
        return _upper >= 0 && Protocol == (int)IpProtocol.Tcp && _frame.Length >= needed
            ? (ulong)(_frame[_upper + 12] & 0x0f) << 8 | _frame[_upper + 13]
            : 0;
    }

    /// <summary>
    /// The sender's IP address according to the frame. That of a neighbour solicitation counts as authenticated without proof.
    /// </summary>
    public bool TryGetSender(out IpAddress address, out bool needsProof)
    {
        needsProof = true;
        if (IsIPv4)
        {
            address = IpAddress.ReadIPv4(_frame[12..]);
            return true;
        }

        if (IsIPv6)
        {
            bool isNeighborMessage = _frame[6] == (byte)IpProtocol.IcmpV6 && _frame.Length >= NeighborAdvertisementLength;
            needsProof = !isNeighborMessage || _frame[IPv6HeaderLength] != NeighborSolicitation;
            address = IpAddress.ReadIPv6(_frame[(isNeighborMessage && _frame[IPv6HeaderLength] == NeighborAdvertisement ? 48 : 8)..]);
            return true;
        }

        address = IsArp ? IpAddress.ReadIPv4(_frame[14..]) : default;
        return IsArp;
    }

    private static (int Protocol, int Position) FindUpperLayer(ReadOnlySpan<byte> frame)
    {
        int protocol = frame[6];
        int position = IPv6HeaderLength;
        while (position <= frame.Length)
        {
            if (protocol is not ((int)IpProtocol.HopByHopOptions or (int)IpProtocol.RoutingHeader or (int)IpProtocol.DestinationOptions
                or MobilityHeader))
            {
                return (protocol, position);
            }

            if (position + 8 > frame.Length)
            {
                break;
            }

            protocol = frame[position];
            position += (8 * frame[position + 1]) + 8;
        }

        return (-1, -1);
    }
}
