using System.Buffers.Binary;
using System.Diagnostics;

namespace ZeroTier.Managed.IpStack;

/// <summary>
/// Input of both IP versions: checks headers and addresses, reassembles fragments and passes the payload on. Thread-safe.
/// </summary>
internal sealed class IpInput : IDisposable
{
    private const int MaxExtensionHeaders = 8;

    private readonly IpOutput _output;
    private readonly IpDropCounters _drops;
    private readonly IcmpErrors _errors;
    private readonly HostGroups _groups;
    private readonly INeighborResolver? _resolver;
    private readonly Deliver _deliver;

    public IpInput(IpStackOptions options, IpOutput output, IpDropCounters drops, IcmpErrors errors, HostGroups groups, Deliver deliver)
    {
        _output = output;
        _drops = drops;
        _errors = errors;
        _groups = groups;
        _resolver = options.Resolver;
        _deliver = deliver;
        IpReassembly = new IpReassembly(options.TimeProvider, drops, OnReassemblyTimeout);
    }

    internal delegate void Deliver(in IpPacket packet);

    internal IpReassembly IpReassembly { get; }

    /// <summary>Processes a received IPv4 packet, possibly followed by padding.</summary>
    /// <param name="sourceMac">The Ethernet source.</param>
    /// <param name="linkGroup">The frame was sent to a group.</param>
    /// <param name="loopback">It came from ourselves.</param>
    /// <param name="frame">The Ethernet payload.</param>
    public void ReceiveIPv4(MacAddress sourceMac, bool linkGroup, bool loopback, ReadOnlySpan<byte> frame)
    {
        if (frame.Length < IpHeader.IPv4Length || frame[0] >> 4 != 4)
        {
            _drops.Count(IpDrop.Header);
            return;
        }

        int headerLength = (frame[0] & 0xf) * 4;
        int totalLength = BinaryPrimitives.ReadUInt16BigEndian(frame[2..]);
        if (headerLength < IpHeader.IPv4Length || totalLength < headerLength || totalLength > frame.Length)
        {
            _drops.Count(IpDrop.Header);
            return;
        }

        var packet = frame[..totalLength];
        if (InternetChecksum.Compute(packet[..headerLength]) != 0)
        {
            _drops.Count(IpDrop.Checksum);
            return;
        }

        var source = IpAddress.ReadIPv4(packet[12..]);
        var destination = IpAddress.ReadIPv4(packet[16..]);
        var addresses = _output.Interface;
        if (IsMartianIPv4((uint)source.Value) || addresses.IsBroadcast(source) || (!loopback && addresses.Contains(source)))
        {
            _drops.Count(IpDrop.Martian);
            return;
        }

        // RFC 1122, 3.3.6: a frame that was multicast or broadcast on the link is dropped when its IP destination is a unicast address.
        bool group = addresses.IsBroadcast(destination) || (destination.IsMulticast && _groups.Contains(destination));
        if (!group && (linkGroup || !addresses.Contains(destination)))
        {
            _drops.Count(IpDrop.Destination);
            return;
        }

        AssertIsFromOwner(source, sourceMac, loopback);
        if (headerLength > IpHeader.IPv4Length && IsSourceRouted(packet[IpHeader.IPv4Length..headerLength]))
        {
            _drops.Count(IpDrop.Option);
            return;
        }

        ushort fragment = BinaryPrimitives.ReadUInt16BigEndian(packet[6..]);
        if ((fragment & (IpHeader.MoreFragments | IpHeader.FragmentOffsetMask)) != 0)
        {
            ReceiveIPv4Fragment(sourceMac, linkGroup, loopback, packet, headerLength, fragment);
            return;
        }

        _deliver(new IpPacket
        {
            Source = source,
            Destination = destination,
            Protocol = (IpProtocol)packet[9],
            SourceMac = sourceMac,
            Payload = packet[headerLength..],
            Packet = packet,
            ProtocolOffset = 9,
            HopLimit = packet[8],
            IsGroup = group,
        });
    }

    /// <summary>Processes a received IPv6 packet, possibly followed by padding.</summary>
    /// <param name="sourceMac">The Ethernet source.</param>
    /// <param name="linkGroup">The frame was sent to a group.</param>
    /// <param name="loopback">It came from ourselves.</param>
    /// <param name="frame">The Ethernet payload.</param>
    public void ReceiveIPv6(MacAddress sourceMac, bool linkGroup, bool loopback, ReadOnlySpan<byte> frame) =>
        ReceiveIPv6(sourceMac, linkGroup, loopback, joined: false, frame);

    public void Dispose() => IpReassembly.Dispose();

    private void ReceiveIPv6(MacAddress sourceMac, bool linkGroup, bool loopback, bool joined, ReadOnlySpan<byte> frame)
    {
        if (frame.Length < IpHeader.IPv6Length || frame[0] >> 4 != 6)
        {
            _drops.Count(IpDrop.Header);
            return;
        }

        int payloadLength = BinaryPrimitives.ReadUInt16BigEndian(frame[4..]);
        if (payloadLength > frame.Length - IpHeader.IPv6Length)
        {
            _drops.Count(IpDrop.Header);
            return;
        }

        var packet = frame[..(IpHeader.IPv6Length + payloadLength)];
        var source = IpAddress.ReadIPv6(packet[8..]);
        var destination = IpAddress.ReadIPv6(packet[24..]);
        var addresses = _output.Interface;
        if (IsMartianIPv6(source.Value) || (!loopback && addresses.Contains(source)))
        {
            _drops.Count(IpDrop.Martian);
            return;
        }

        bool group = destination.IsMulticast;
        if (group ? !addresses.IsMemberOf(destination) && !_groups.Contains(destination) : linkGroup || !addresses.Contains(destination))
        {
            _drops.Count(IpDrop.Destination);
            return;
        }

        AssertIsFromOwner(source, sourceMac, loopback);
        WalkIPv6(source, destination, sourceMac, linkGroup, loopback, joined, group, packet);
    }

    // RFC 8200, 4: walks the extension headers to the transport header. joined: the packet was put together from fragments.
    private void WalkIPv6(
        in IpAddress source,
        in IpAddress destination,
        MacAddress sourceMac,
        bool linkGroup,
        bool loopback,
        bool joined,
        bool group,
        ReadOnlySpan<byte> packet)
    {
        int offset = IpHeader.IPv6Length;
        int numberAt = 6;
        for (int headers = 0; ; headers++)
        {
            var protocol = (IpProtocol)packet[numberAt];
            switch (protocol)
            {
                case IpProtocol.HopByHopOptions or IpProtocol.DestinationOptions or IpProtocol.RoutingHeader or IpProtocol.FragmentHeader:
                    break;
                case IpProtocol.NoNextHeader:
                    return;
                default:
                    _deliver(new IpPacket
                    {
                        Source = source,
                        Destination = destination,
                        Protocol = protocol,
                        SourceMac = sourceMac,
                        Payload = packet[offset..],
                        Packet = packet,
                        ProtocolOffset = numberAt,
                        HopLimit = packet[7],
                        WasFragmented = joined,
                        IsGroup = group,
                    });
                    return;
            }

            int length = packet.Length - offset < 8 ? int.MaxValue
                : protocol == IpProtocol.FragmentHeader ? IpHeader.IPv6FragmentLength
                : (packet[offset + 1] + 1) * 8;
            if (length > packet.Length - offset || headers == MaxExtensionHeaders)
            {
                _drops.Count(IpDrop.Header);
                return;
            }

            var header = packet.Slice(offset, length);
            switch (protocol)
            {
                case IpProtocol.HopByHopOptions when numberAt != 6:
                    // Valid only directly behind the IPv6 header (RFC 8200, 4.1); elsewhere it is treated as an unknown header.
                    Refuse(packet, group, IcmpV6.UnrecognizedNextHeader, numberAt);
                    return;
                case IpProtocol.RoutingHeader:
                    // RFC 8200, 4.4: an unknown type is refused unless no segments are left. We know none (type 0: RFC 5095).
                    if (header[3] != 0)
                    {
                        Refuse(packet, group, IcmpV6.ErroneousHeader, offset + 2);
                        return;
                    }

                    break;
                case IpProtocol.FragmentHeader when joined:
                    // A reassembled packet is not reassembled again: each nested fragment header would cost a level of recursion and a copy
                    // of the packet.
                    _drops.Count(IpDrop.Fragment);
                    return;
                case IpProtocol.FragmentHeader:
                    ReceiveIPv6Fragment(source, destination, sourceMac, linkGroup, loopback, group, packet, offset);
                    return;
                default:
                    if (!AcceptOptions(packet, offset, length, group))
                    {
                        return;
                    }

                    break;
            }

            numberAt = offset;
            offset += length;
        }
    }

    // RFC 8200, 4.2: the two highest bits of an unknown option's type: skip (0), drop (1), drop and report (2), report if unicast (3).
    private bool AcceptOptions(ReadOnlySpan<byte> packet, int start, int length, bool group)
    {
        int end = start + length;
        int at = start + 2;
        while (at < end)
        {
            byte type = packet[at];
            if (type == 0)
            {
                at++;
                continue;
            }

            if (at + 2 > end || at + 2 + packet[at + 1] > end)
            {
                _drops.Count(IpDrop.Header);
                return false;
            }

            if (type != 1 && type >> 6 != 0)
            {
                if (type >> 6 == 2 || (type >> 6 == 3 && !group))
                {
                    _errors.ParameterProblem(packet, IcmpV6.UnrecognizedOption, at);
                }

                _drops.Count(IpDrop.Option);
                return false;
            }

            at += 2 + packet[at + 1];
        }

        return true;
    }

    private void Refuse(ReadOnlySpan<byte> packet, bool group, byte code, int pointer)
    {
        _drops.Count(IpDrop.Option);
        if (!group)
        {
            _errors.ParameterProblem(packet, code, pointer);
        }
    }

    private void ReceiveIPv4Fragment(
        MacAddress sourceMac, bool linkGroup, bool loopback, ReadOnlySpan<byte> packet, int headerLength, ushort fragment)
    {
        var key = new FragmentKey(
            IpAddress.ReadIPv4(packet[12..]),
            IpAddress.ReadIPv4(packet[16..]),
            BinaryPrimitives.ReadUInt16BigEndian(packet[4..]),
            packet[9],
            sourceMac);
        Span<byte> header = stackalloc byte[IpHeader.IPv4Length];
        packet[..IpHeader.IPv4Length].CopyTo(header);
        header[0] = 0x45;
        header[6..8].Clear();
        bool more = (fragment & IpHeader.MoreFragments) != 0;
        if (IpReassembly.TryAdd(key, header, (fragment & IpHeader.FragmentOffsetMask) * 8, packet[headerLength..], more, out var whole))
        {
            ReceiveIPv4(sourceMac, linkGroup, loopback, whole.Span);
            whole.Dispose();
        }
    }

    private void ReceiveIPv6Fragment(
        in IpAddress source,
        in IpAddress destination,
        MacAddress sourceMac,
        bool linkGroup,
        bool loopback,
        bool group,
        ReadOnlySpan<byte> packet,
        int offset)
    {
        ushort field = BinaryPrimitives.ReadUInt16BigEndian(packet[(offset + 2)..]);
        bool more = (field & 1) != 0;
        int position = field & 0xfff8;
        var data = packet[(offset + IpHeader.IPv6FragmentLength)..];
        if (more && data.Length % 8 != 0)
        {
            _drops.Count(IpDrop.Fragment);
            if (!group)
            {
                _errors.ParameterProblem(packet, IcmpV6.ErroneousHeader, 4);
            }

            return;
        }

        Span<byte> header = stackalloc byte[IpHeader.IPv6Length];
        packet[..IpHeader.IPv6Length].CopyTo(header);
        header[6] = packet[offset];
        ReassembledPacket whole;
        if (position == 0 && !more)
        {
            // RFC 6946: an atomic fragment is a whole packet and is not reassembled with others of the same identification.
            whole = ReassembledPacket.From(header, data);
        }
        else if (!IpReassembly.TryAdd(
            new FragmentKey(source, destination, BinaryPrimitives.ReadUInt32BigEndian(packet[(offset + 4)..]), 0, sourceMac),
            header,
            position,
            data,
            more,
            out whole))
        {
            return;
        }

        // RFC 8200, 4.5: headers behind the fragment header are part of the data.
        ReceiveIPv6(sourceMac, linkGroup, loopback, joined: true, whole.Span);
        whole.Dispose();
    }

    private void OnReassemblyTimeout(ReadOnlySpan<byte> packet) => _errors.ReassemblyTimeExceeded(packet);

    // The link has already checked that the member may use this source address.
    [Conditional("DEBUG")]
    private void AssertIsFromOwner(in IpAddress source, MacAddress sourceMac, bool loopback) => Debug.Assert(
        loopback || _resolver is null || !_resolver.TryResolve(source, out var owner) || owner == sourceMac,
        "The link let a packet pass whose source belongs to another member.");

    // "This network", loopback, multicast, reserved and limited broadcast: RFC 1122, 3.2.1.3.
    private static bool IsMartianIPv4(uint source) => source >> 24 is 0 or 127 or >= 224;

    // Multicast, loopback and IPv4-mapped. The unspecified address is checked later, since neighbour discovery may use it.
    private static bool IsMartianIPv6(UInt128 source) => source >> 120 == 0xff || source == 1 || source >> 32 == 0xffff;

    // RFC 791, 3.1: options are skipped, except that a packet with a source route is dropped (RFC 7126, 4.3 and 4.4). True also for
    // malformed options.
    private static bool IsSourceRouted(ReadOnlySpan<byte> options)
    {
        const byte EndOfList = 0, NoOperation = 1, LooseSourceRoute = 131, StrictSourceRoute = 137;
        while (options.Length > 0 && options[0] != EndOfList)
        {
            if (options[0] == NoOperation)
            {
                options = options[1..];
                continue;
            }

            if (options[0] is LooseSourceRoute or StrictSourceRoute || options.Length < 2 || options[1] < 2 || options[1] > options.Length)
            {
                return true;
            }

            options = options[options[1]..];
        }

        return false;
    }
}
