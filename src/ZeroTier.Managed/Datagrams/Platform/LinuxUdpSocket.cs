using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;

namespace ZeroTier.Managed.Datagrams.Platform;

/// <summary>
/// A UDP socket that uses Linux's system calls: one sendmsg sends a run of datagrams (UDP_SEGMENT), one recvmmsg receives several
/// messages, each of which may be a run of datagrams (UDP_GRO), and one sendmmsg sends what these caused
/// (<see cref="LinuxSendBatch"/>). If the kernel or a sandbox refuses one of these, it is switched off for this socket and the data are
/// sent again without it; instead of recvmmsg, recvmsg receives one message at a time.
/// </summary>
/// <remarks>
/// UDP checksums stay on, unlike in ZeroTierOne 1.12 (docs/protocol/2-vl1.md 2.17): without them the kernel refuses UDP_SEGMENT.
/// </remarks>
internal sealed unsafe class LinuxUdpSocket : HostUdpSocket
{
    private const int LevelIp = 0;
    private const int IpTtl = 2;
    private const int LevelIpv6 = 41;
    private const int Ipv6HopLimit = 52;
    private const int FlagTruncated = 0x20;
    private readonly ILinuxUdpCalls _calls;
    private readonly SafeSocketHandle _handle;
    private readonly bool _coalescing;
    private readonly bool _oneByOne;
    private readonly bool _sendsMany;
    private readonly LinuxReceiveSlots _slots;
    private readonly LinuxSendBatch _sending;
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
        var probe = new LinuxUdpProbe(calls, _handle, localEndPoint, options.Logger);
        probe.CheckSend();
        _segmentation = options.SegmentationOffload && probe.Segments() ? 1 : 0;
        _coalescing = options.ReceiveCoalescing && probe.Coalesce();
        _oneByOne = !probe.ReceivesMany();
        _sendsMany = probe.SendsMany();
        _slots = new LinuxReceiveSlots();
        _sending = new LinuxSendBatch();
    }

    public override bool SegmentationOffload => Volatile.Read(ref _segmentation) != 0;

    public override bool ReceiveCoalescing => _coalescing;

    public override void Send(in InetEndPoint destination, ReadOnlySpan<byte> datagrams, int segmentSize)
    {
        if (_sendsMany && LinuxSendBatch.Current is { IsSending: false } batch)
        {
            if (datagrams.Length <= Math.Min(segmentSize, LinuxSendBatch.LongestDatagram))
            {
                batch.Add(this, destination, datagrams);
                return;
            }

            // What was sent before leaves before.
            batch.Send();
        }

        int addressLength = LinuxSocketAddress.Write(destination, out var address);
        fixed (byte* data = &MemoryMarshal.GetReference(datagrams))
        {
            SendNow(destination, &address, addressLength, data, datagrams.Length, segmentSize);
        }
    }

    /// <summary>Sends the messages of a batch.</summary>
    /// <param name="slots">The messages.</param>
    /// <param name="entries">What they are.</param>
    public void Send(LinuxMessageSlot* slots, ReadOnlySpan<LinuxSendBatch.Entry> entries)
    {
        for (int i = 0; i < entries.Length;)
        {
            int count = entries.Length - i == 1 ? 0 : SendMany(slots + i, entries[i..]);
            if (count <= 0)
            {
                // A single message, or one that the system refuses: the error decides what becomes of it.
                ref var message = ref slots[i].Message;
                SendNow(
                    entries[i].Destination,
                    (LinuxSocketAddress*)message.Name,
                    (int)message.NameLength,
                    (byte*)message.Vectors->Base,
                    (int)message.Vectors->Length,
                    entries[i].Segment);
                count = 1;
            }

            i += count;
        }
    }

    public override void SendWithHopLimit(in InetEndPoint destination, ReadOnlySpan<byte> datagram, int hops)
    {
        if (LinuxSendBatch.Current is { IsSending: false } batch)
        {
            batch.Send();
        }

        int addressLength = LinuxSocketAddress.Write(destination, out var address);
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
        LinuxSendBatch.Current = _sending;
        int count = _oneByOne ? ReceiveOne() : _calls.Receive(_handle, _slots.First, _slots.Count, flags: 0);
        if (count < 0)
        {
            return LinuxErrno.ToSocketError(-count);
        }

        long datagrams = 0;
        long bytes = 0;
        for (int i = 0; i < count && !IsClosing; i++)
        {
            bytes += _slots[i].Length;
            datagrams += DeliverSlot(_slots[i].Message, _slots.DataOf(i));
        }

        _slots.Reset(count);
        _slots.Adapt(count, bytes);
        Counters.Received(datagrams, bytes);
        return SocketError.Success;
    }

    protected override void SendKept() => _sending.Send();

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
        _slots.Free();
        _sending.Free();
    }

    /// <summary>
    /// Whether segmentation was refused, not the destination: old kernels, devices without checksum offload, segments above the device's
    /// MTU.
    /// </summary>
    private static bool IsRefusal(int errno) =>
        errno is LinuxErrno.InputOutput or LinuxErrno.Invalid or LinuxErrno.MessageSize or LinuxErrno.NoProtocolOption
            or LinuxErrno.NotSupported;

    /// <summary>The segment size from the control message; 0 when the data are one datagram.</summary>
    private static int SegmentSize(in LinuxMessage message)
    {
        var control = (LinuxIntControl*)message.Control;
        return message.ControlLength >= LinuxIntControl.HeaderLength + sizeof(int)
            && control->Length >= LinuxIntControl.HeaderLength + sizeof(int)
            && control->Level == LinuxIntControl.LevelUdp
            && control->Type == LinuxIntControl.UdpCoalesce
            ? control->Value
            : 0;
    }

    private int DeliverSlot(in LinuxMessage message, Span<byte> data)
    {
        if ((message.Flags & FlagTruncated) != 0)
        {
            Counters.Truncated();
            return 0;
        }

        if (!((LinuxSocketAddress*)message.Name)->TryRead(message.NameLength, out var source))
        {
            return 0;
        }

        int segmentSize = SegmentSize(message);
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

    private void SendNow(
        in InetEndPoint destination, LinuxSocketAddress* address, int addressLength, byte* data, int length, int segmentSize)
    {
        if (length <= segmentSize || !SegmentationOffload)
        {
            SendOneByOne(destination, address, addressLength, data, length, segmentSize);
            return;
        }

        var control = LinuxIntControl.ForSegment(segmentSize);
        int errno = SendOnce(address, addressLength, data, length, &control);
        int datagrams = (length + segmentSize - 1) / segmentSize;
        if (errno == 0)
        {
            Counters.Sent(datagrams, length);
        }
        else if (!IsRefusal(errno))
        {
            Counters.SendFailed(LinuxErrno.ToSocketError(errno), datagrams);
        }
        else if (SendOneByOne(destination, address, addressLength, data, length, segmentSize))
        {
            // If datagrams sent one by one were too large as well, segmentation would not be the cause.
            RefuseSegmentation(errno);
        }
    }

    /// <returns>Number of messages that were sent; 0 or less when the first one was not.</returns>
    private int SendMany(LinuxMessageSlot* slots, ReadOnlySpan<LinuxSendBatch.Entry> entries)
    {
        int sent;
        try
        {
            sent = _calls.SendMany(_handle, slots, entries.Length);
        }
        catch (ObjectDisposedException)
        {
            return 0;
        }

        int datagrams = 0;
        int bytes = 0;
        for (int i = 0; i < sent; i++)
        {
            datagrams += entries[i].Datagrams;
            bytes += (int)slots[i].Message.Vectors->Length;
        }

        if (sent > 0)
        {
            Counters.Sent(datagrams, bytes);
        }

        return sent;
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
        nint length = _calls.ReceiveOne(_handle, &_slots.First->Message, flags: 0);
        if (length < 0)
        {
            return (int)length;
        }

        _slots.First->Length = (uint)length;
        return 1;
    }

    private void RefuseSegmentation(int errno)
    {
        // Logged once, even if several senders are refused at the same time.
        if (Interlocked.Exchange(ref _segmentation, 0) != 0)
        {
            UdpLog.SegmentationRefused(Logger, LocalEndPoint, errno);
        }
    }
}
