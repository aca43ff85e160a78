using System.Buffers.Binary;
using System.ComponentModel;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ZeroTier.Managed.Datagrams.Platform;

namespace Root;

/// <summary>
/// Messages that one recvmmsg receives or one sendmmsg sends, each of which may be a run of datagrams of equal size (UDP_GRO, UDP_SEGMENT).
/// Native memory; layouts are those of 64-bit Linux. Used by one thread.
/// </summary>
internal sealed unsafe partial class Messages : IDisposable
{
    private const int ControlBytes = 64;
    private const int AddressBytes = 32;
    private const int LevelUdp = 17;
    private const int UdpSegment = 103;
    private const int UdpCoalesce = 104;
    private const int LevelIp = 0;
    private const int PacketInfo = 8;
    private const int PacketInfoSpace = 32;
    private const int NoSignal = 0x4000;
    private const int Again = 11;
    private const int DoNotWait = 0x40;
    private readonly LinuxMessageSlot* _slots;
    private readonly byte* _block;
    private readonly int _dataBytes;

    /// <param name="count">Number of messages.</param>
    /// <param name="dataBytes">Bytes of the buffer of each; 0 when they are filled with <see cref="Set"/>.</param>
    public Messages(int count, int dataBytes = 0)
    {
        Count = count;
        _dataBytes = dataBytes;
        int perMessage = sizeof(LinuxMessageSlot) + sizeof(LinuxVector) + AddressBytes + ControlBytes + dataBytes;
        _block = (byte*)NativeMemory.AllocZeroed((nuint)(count * perMessage));
        _slots = (LinuxMessageSlot*)_block;
        byte* vectors = _block + (count * sizeof(LinuxMessageSlot));
        byte* addresses = vectors + (count * sizeof(LinuxVector));
        byte* controls = addresses + (count * AddressBytes);
        byte* data = controls + (count * ControlBytes);
        for (int i = 0; i < count; i++)
        {
            ref var message = ref _slots[i].Message;
            message.Vectors = (LinuxVector*)vectors + i;
            message.VectorCount = 1;
            message.Name = addresses + (i * AddressBytes);
            message.Control = controls + (i * ControlBytes);
            message.Vectors->Base = data + (i * dataBytes);
        }
    }

    public int Count { get; }

    /// <summary>Lets the kernel deliver runs of datagrams in one message.</summary>
    public static void Coalesce(Socket socket) => socket.SetRawSocketOption(LevelUdp, UdpCoalesce, BitConverter.GetBytes(1));

    /// <summary>The datagrams received in a message.</summary>
    public DatagramRun DatagramsOf(int i) => new(new Span<byte>(_slots[i].Message.Vectors->Base, (int)_slots[i].Length), SegmentOf(i));

    /// <summary>The address of the sender or receiver: struct sockaddr_in.</summary>
    public Span<byte> Address(int i) => new(_slots[i].Message.Name, LinuxSocketAddress.Ipv4Length);

    /// <summary>Waits for a message, and receives those that are available. 0 when the socket's timeout has passed.</summary>
    public int Receive(SafeSocketHandle socket, bool wait = true)
    {
        for (int i = 0; i < Count; i++)
        {
            ref var message = ref _slots[i].Message;
            message.NameLength = AddressBytes;
            message.ControlLength = ControlBytes;
            message.Vectors->Length = (nuint)_dataBytes;
        }

        int count = LinuxUdpCalls.Instance.Receive(socket, _slots, Count, wait ? 0 : DoNotWait);
        return count >= 0 ? count : count == -Again ? 0 : throw new Win32Exception(-count);
    }

    /// <summary>Makes a message of data that stay in place.</summary>
    /// <param name="i">The message.</param>
    /// <param name="data">The datagrams, back to back.</param>
    /// <param name="segment">Bytes of each but the last.</param>
    /// <param name="from">The IPv4 address to send from, in host order.</param>
    /// <param name="to">Where to: struct sockaddr_in.</param>
    public void Set(int i, ReadOnlyMemory<byte> data, int segment, uint from, ReadOnlySpan<byte> to)
    {
        ref var message = ref _slots[i].Message;
        message.NameLength = LinuxSocketAddress.Ipv4Length;
        to.CopyTo(Address(i));

        // All data are parts of pinned arrays.
        message.Vectors->Base = Unsafe.AsPointer(ref MemoryMarshal.GetReference(data.Span));
        message.Vectors->Length = (nuint)data.Length;
        message.ControlLength = PacketInfoSpace;
        var info = (PacketInfoControl*)message.Control;
        *info = new PacketInfoControl
        {
            Length = LinuxIntControl.HeaderLength + 12,
            Level = LevelIp,
            Type = PacketInfo,
            Source = BinaryPrimitives.ReverseEndianness(from),
        };
        SetSegment(ref message, PacketInfoSpace, data.Length, segment);
    }

    /// <summary>Makes the first messages, as they were received, messages to send to the present addresses.</summary>
    public void TurnRound(int count)
    {
        for (int i = 0; i < count; i++)
        {
            int segment = SegmentOf(i);
            ref var message = ref _slots[i].Message;
            message.Vectors->Length = _slots[i].Length;
            message.ControlLength = 0;
            SetSegment(ref message, 0, (int)_slots[i].Length, segment);
        }
    }

    /// <summary>Sends the first messages.</summary>
    public void Send(SafeSocketHandle socket, int count)
    {
        for (int sent = 0; sent < count;)
        {
            int more = sendmmsg(socket, _slots + sent, (uint)(count - sent), NoSignal);
            sent += more >= 0 ? more : throw new Win32Exception(Marshal.GetLastPInvokeError());
        }
    }

    public void Dispose() => NativeMemory.Free(_block);

    // Bytes of each datagram received but the last.
    private int SegmentOf(int i)
    {
        var control = (LinuxIntControl*)_slots[i].Message.Control;
        return _slots[i].Message.ControlLength >= LinuxIntControl.Space && control->Level == LevelUdp && control->Type == UdpCoalesce
            ? control->Value
            : (int)_slots[i].Length;
    }

    private static void SetSegment(ref LinuxMessage message, int at, int length, int segment)
    {
        if (length > segment)
        {
            *(LinuxIntControl*)((byte*)message.Control + at) = new LinuxIntControl
            {
                Length = LinuxIntControl.HeaderLength + 2,
                Level = LevelUdp,
                Type = UdpSegment,
                Value = (ushort)segment,
            };
            message.ControlLength += LinuxIntControl.Space;
        }
    }

#pragma warning disable SYSLIB1054, IDE1006 // The C library's own name.
    [LibraryImport("libc", SetLastError = true)]
    private static partial int sendmmsg(SafeSocketHandle socket, LinuxMessageSlot* slots, uint count, int flags);
#pragma warning restore SYSLIB1054, IDE1006

    // struct cmsghdr with a struct in_pktinfo behind it.
    [StructLayout(LayoutKind.Sequential)]
    private struct PacketInfoControl
    {
        public nuint Length;
        public int Level;
        public int Type;
        public int Interface;
        public uint Source;
        public uint Destination;
        private readonly int _padding;
    }
}
