using System.Buffers.Binary;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;

namespace ZeroTier.Managed.Datagrams.Platform;

/// <summary>
/// A UDP socket that uses Linux's system calls: one sendmsg sends a run of datagrams (UDP_SEGMENT), and one recvmmsg receives several
/// messages, each of which may be a run of datagrams (UDP_GRO). If the kernel or a sandbox refuses one of these, it is switched off for
/// this socket and the data are sent again without it; instead of recvmmsg, recvmsg receives one message at a time.
/// </summary>
/// <remarks>
/// UDP checksums stay on, unlike in ZeroTierOne 1.12 (docs/protocol/2-vl1.md 2.17): without them the kernel refuses UDP_SEGMENT.
/// </remarks>
internal sealed unsafe class LinuxUdpSocket : HostUdpSocket
{
    // At most 256 KiB per batch, after which acknowledgements are sent: larger batches would disturb the sender's ACK clock.
    private const int SlotCount = 4;
    private const int SlotBytes = 65536;
    private const int LevelUdp = 17;
    private const int UdpSegment = 103;
    private const int UdpCoalesce = 104;
    private const int LevelIp = 0;
    private const int IpTtl = 2;
    private const int LevelIpv6 = 41;
    private const int Ipv6HopLimit = 52;
    private const int FlagTruncated = 0x20;
    private readonly ILinuxUdpCalls _calls;
    private readonly SafeSocketHandle _handle;
    private readonly bool _coalescing;
    private readonly bool _oneByOne;
    private LinuxMessageSlot* _slots;
    private int _segmentation;

    public LinuxUdpSocket(
        Socket socket,
        InetEndPoint localEndPoint,
        int index,
        UdpCounters counters,
        UdpDatagramTransportOptions options,
        ILinuxUdpCalls calls)
        : base(socket, localEndPoint, index, counters, options.Logger)
    {
        _calls = calls;
        _handle = socket.SafeHandle;
        ProbeSend();
        _segmentation = options.SegmentationOffload && ProbeSegmentation() ? 1 : 0;
        _coalescing = options.ReceiveCoalescing && EnableCoalescing();
        _oneByOne = !ProbeReceive();
        AllocateSlots();
    }

    public override bool SegmentationOffload => Volatile.Read(ref _segmentation) != 0;

    public override bool ReceiveCoalescing => _coalescing;

    public override void Send(in InetEndPoint destination, ReadOnlySpan<byte> datagrams, int segmentSize)
    {
        LinuxSocketAddress address;
        int addressLength = Write(destination, &address);
        fixed (byte* data = &MemoryMarshal.GetReference(datagrams))
        {
            if (datagrams.Length > segmentSize && SegmentationOffload)
            {
                var control = new LinuxIntControl
                {
                    Length = LinuxIntControl.HeaderLength + 2,
                    Level = LevelUdp,
                    Type = UdpSegment,
                    Value = (ushort)segmentSize,
                };
                int errno = SendOnce(&address, addressLength, data, datagrams.Length, &control);
                if (errno == 0)
                {
                    Counters.Sent((datagrams.Length + segmentSize - 1) / segmentSize, datagrams.Length);
                    return;
                }

                if (!IsRefusal(errno))
                {
                    Counters.SendFailed(LinuxErrno.ToSocketError(errno), (datagrams.Length + segmentSize - 1) / segmentSize);
                    return;
                }

                // If datagrams sent one by one are too large as well, segmentation was not the cause.
                if (SendOneByOne(destination, &address, addressLength, data, datagrams.Length, segmentSize))
                {
                    RefuseSegmentation(errno);
                }

                return;
            }

            SendOneByOne(destination, &address, addressLength, data, datagrams.Length, segmentSize);
        }
    }

    public override void SendWithHopLimit(in InetEndPoint destination, ReadOnlySpan<byte> datagram, int hops)
    {
        LinuxSocketAddress address;
        int addressLength = Write(destination, &address);
        bool ipv4 = destination.Family == AddressFamily.InterNetwork;
        var control = new LinuxIntControl
        {
            Length = LinuxIntControl.HeaderLength + sizeof(int),
            Level = ipv4 ? LevelIp : LevelIpv6,
            Type = ipv4 ? IpTtl : Ipv6HopLimit,
            Value = hops,
        };
        fixed (byte* data = &MemoryMarshal.GetReference(datagram))
        {
            SendPlain(destination, &address, addressLength, data, datagram.Length, &control);
        }
    }

    protected override SocketError ReceiveBatch()
    {
        for (int i = 0; i < SlotCount; i++)
        {
            // Reset before each call, since the call overwrites them with the actual lengths.
            ref var message = ref _slots[i].Message;
            message.NameLength = (uint)sizeof(LinuxSocketAddress);
            message.ControlLength = LinuxIntControl.Space;
        }

        int count = _oneByOne ? ReceiveOne() : _calls.Receive(_handle, _slots, SlotCount, flags: 0);
        if (count < 0)
        {
            return LinuxErrno.ToSocketError(-count);
        }

        long datagrams = 0;
        long bytes = 0;
        for (int i = 0; i < count && !IsClosing; i++)
        {
            bytes += _slots[i].Length;
            datagrams += DeliverSlot(ref _slots[i]);
        }

        Counters.Received(datagrams, bytes);
        return SocketError.Success;
    }

    // On Linux shutdown ends a blocked receive, although it returns ENOTCONN because the socket is not connected.
    protected override void Wake()
    {
        if (LinuxErrno.IsForbidden(-_calls.Shutdown(_handle)))
        {
            SendToSelf();
        }
    }

    protected override void Release()
    {
        NativeMemory.AlignedFree(_slots);
        _slots = null;
    }

    /// <summary>
    /// Whether segmentation was refused, not the destination: old kernels, devices without checksum offload, segments above the device's
    /// MTU.
    /// </summary>
    private static bool IsRefusal(int errno) =>
        errno is LinuxErrno.InputOutput or LinuxErrno.Invalid or LinuxErrno.MessageSize or LinuxErrno.NoProtocolOption
            or LinuxErrno.NotSupported;

    private static int Write(in InetEndPoint endPoint, LinuxSocketAddress* address)
    {
        *address = default;
        var rest = new Span<byte>(address->Rest, 26);
        BinaryPrimitives.WriteUInt16BigEndian(rest, endPoint.Port);
        if (endPoint.Family == AddressFamily.InterNetwork)
        {
            address->Family = LinuxSocketAddress.Ipv4Family;
            endPoint.WriteAddress(rest[2..]);
            return LinuxSocketAddress.Ipv4Length;
        }

        address->Family = LinuxSocketAddress.Ipv6Family;
        endPoint.WriteAddress(rest[6..]);
        return LinuxSocketAddress.Ipv6Length;
    }

    private static bool TryRead(in LinuxMessage message, out InetEndPoint endPoint)
    {
        var address = (LinuxSocketAddress*)message.Name;
        var rest = new ReadOnlySpan<byte>(address->Rest, 26);
        ushort port = BinaryPrimitives.ReadUInt16BigEndian(rest);
        switch (address->Family)
        {
            case LinuxSocketAddress.Ipv4Family when message.NameLength >= LinuxSocketAddress.Ipv4Length:
                endPoint = InetEndPoint.FromBytes(rest.Slice(2, 4), port);
                return true;
            case LinuxSocketAddress.Ipv6Family when message.NameLength >= LinuxSocketAddress.Ipv6Length:
                endPoint = InetEndPoint.FromBytes(rest.Slice(6, 16), port);
                return true;
            default:
                endPoint = default;
                return false;
        }
    }

    /// <summary>The segment size from the control message; 0 when the data are one datagram.</summary>
    private static int SegmentSize(in LinuxMessage message)
    {
        var control = (LinuxIntControl*)message.Control;
        return message.ControlLength >= LinuxIntControl.HeaderLength + sizeof(int)
            && control->Length >= LinuxIntControl.HeaderLength + sizeof(int)
            && control->Level == LevelUdp
            && control->Type == UdpCoalesce
            ? control->Value
            : 0;
    }

    private int DeliverSlot(ref LinuxMessageSlot slot)
    {
        if ((slot.Message.Flags & FlagTruncated) != 0)
        {
            Counters.Truncated();
            return 0;
        }

        if (!TryRead(slot.Message, out var source))
        {
            return 0;
        }

        var data = new Span<byte>(slot.Message.Vectors->Base, (int)Math.Min(slot.Length, SlotBytes));
        int segmentSize = SegmentSize(slot.Message);
        if (segmentSize <= 0 || segmentSize >= data.Length)
        {
            Deliver(source, data);
            return 1;
        }

        int count = 0;
        for (; !data.IsEmpty && !IsClosing; count++)
        {
            int length = Math.Min(segmentSize, data.Length);
            Deliver(source, data[..length]);
            data = data[length..];
        }

        return count;
    }

    /// <returns>False when a datagram was larger than the MTU of the first link.</returns>
    private bool SendOneByOne(
        in InetEndPoint destination, LinuxSocketAddress* address, int addressLength, byte* data, int length, int segmentSize)
    {
        bool fit = true;
        int offset = 0;
        do
        {
            int size = Math.Min(segmentSize, length - offset);
            fit &= SendPlain(destination, address, addressLength, data + offset, size, null) != LinuxErrno.MessageSize;
            offset += size;
        }
        while (offset < length);

        return fit;
    }

    /// <returns>0, or the error number.</returns>
    private int SendPlain(
        in InetEndPoint destination, LinuxSocketAddress* address, int addressLength, byte* data, int length, LinuxIntControl* control)
    {
        int errno = SendOnce(address, addressLength, data, length, control);
        if (errno == 0)
        {
            Counters.Sent(1, length);
        }
        else
        {
            SendFailed(LinuxErrno.ToSocketError(errno), destination, length);
        }

        return errno;
    }

    /// <summary>
    /// One sendmsg. It is tried once more if it was interrupted, or failed because of an ICMP message about an earlier datagram.
    /// </summary>
    private int SendOnce(LinuxSocketAddress* address, int addressLength, byte* data, int length, LinuxIntControl* control)
    {
        var vector = new LinuxVector { Base = data, Length = (nuint)length };
        var message = new LinuxMessage
        {
            Name = address,
            NameLength = (uint)addressLength,
            Vectors = &vector,
            VectorCount = 1,
            Control = control,
            ControlLength = control is null ? 0 : (nuint)LinuxIntControl.Space,
        };
        for (int attempt = 0; ; attempt++)
        {
            nint result;
            try
            {
                result = _calls.Send(_handle, &message);
            }
            catch (ObjectDisposedException)
            {
                return LinuxErrno.BadDescriptor;
            }

            int errno = (int)-result;
            if (result >= 0 || attempt == 1 || errno is not (LinuxErrno.Interrupted or LinuxErrno.ConnectionRefused))
            {
                return result >= 0 ? 0 : errno;
            }
        }
    }

    private int ReceiveOne()
    {
        nint length = _calls.ReceiveOne(_handle, &_slots->Message, flags: 0);
        if (length < 0)
        {
            return (int)length;
        }

        _slots->Length = (uint)length;
        return 1;
    }

    /// <summary>
    /// Probes sendmsg without a destination, which sends nothing: any error other than "forbidden" shows that the call is available.
    /// </summary>
    private void ProbeSend()
    {
        LinuxMessage nowhere = default;
        int errno = (int)-_calls.Send(_handle, &nowhere);
        if (LinuxErrno.IsForbidden(errno))
        {
            throw Forbidden("sendmsg", errno);
        }
    }

    private bool ProbeReceive()
    {
        LinuxMessageSlot nothing = default;
        int errno = -_calls.Receive(_handle, &nothing, 1, LinuxUdpCalls.PeekWithoutWaiting);
        if (!LinuxErrno.IsForbidden(errno))
        {
            return true;
        }

        int errnoOfOne = (int)-_calls.ReceiveOne(_handle, &nothing.Message, LinuxUdpCalls.PeekWithoutWaiting);
        if (LinuxErrno.IsForbidden(errnoOfOne))
        {
            throw Forbidden("recvmsg", errnoOfOne);
        }

        UdpLog.BatchesRefused(Logger, LocalEndPoint, errno);
        return false;
    }

    private static ZeroTierException Forbidden(string call, int errno) => new(
        ZeroTierError.Underlay,
        $"The system forbids the call {call} (errno {errno}), without which no UDP datagram can be exchanged. The process runs in a "
            + "sandbox (seccomp), which must allow sendmsg and recvmsg; with systemd for example SystemCallFilter=@system-service.");

    private bool ProbeSegmentation()
    {
        int result = _calls.SetOption(_handle, LevelUdp, UdpSegment, 1432);
        if (result == 0)
        {
            // Only a probe; the size is passed with each sendmsg.
            result = _calls.SetOption(_handle, LevelUdp, UdpSegment, 0);
        }

        if (result < 0)
        {
            UdpLog.SegmentationRefused(Logger, LocalEndPoint, -result);
        }

        return result == 0;
    }

    private bool EnableCoalescing()
    {
        int result = _calls.SetOption(_handle, LevelUdp, UdpCoalesce, 1);
        if (result < 0)
        {
            UdpLog.CoalescingRefused(Logger, LocalEndPoint, -result);
        }

        return result == 0;
    }

    private void RefuseSegmentation(int errno)
    {
        // Logged once, even if several senders are refused at the same time.
        if (Interlocked.Exchange(ref _segmentation, 0) != 0)
        {
            UdpLog.SegmentationRefused(Logger, LocalEndPoint, errno);
        }
    }

    /// <summary>
    /// Allocates one block of native memory: headers, vectors, addresses, control messages, then the data buffers, whose pages are used
    /// only as far as data are received.
    /// </summary>
    private void AllocateSlots()
    {
        int perSlot = sizeof(LinuxMessageSlot) + sizeof(LinuxVector) + 32 + LinuxIntControl.Space;
        byte* block = (byte*)NativeMemory.AlignedAlloc((nuint)(SlotCount * (perSlot + SlotBytes)), 4096);
        byte* data = block;
        _slots = (LinuxMessageSlot*)block;
        byte* rest = block + (SlotCount * sizeof(LinuxMessageSlot));
        byte* payload = block + (SlotCount * perSlot);
        Unsafe.InitBlock(data, 0, (uint)(SlotCount * perSlot));
        for (int i = 0; i < SlotCount; i++)
        {
            var vector = (LinuxVector*)rest;
            vector->Base = payload + (i * SlotBytes);
            vector->Length = SlotBytes;
            ref var message = ref _slots[i].Message;
            message.Vectors = vector;
            message.VectorCount = 1;
            message.Name = rest + sizeof(LinuxVector);
            message.Control = rest + sizeof(LinuxVector) + 32;
            rest += sizeof(LinuxVector) + 32 + LinuxIntControl.Space;
        }
    }
}
