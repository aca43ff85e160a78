using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ZeroTier.Managed.Datagrams.Platform;

/// <summary>
/// What a receive thread sends while it handles received datagrams: relayed packets, answers, acknowledgements. They are kept until the
/// end of the received batch, and then leave with one sendmmsg; datagrams of equal size that follow each other to one destination leave
/// as a run (UDP_SEGMENT).
/// </summary>
/// <remarks>
/// Each receive thread has one, through which it sends over all sockets. Used by that thread only. Bounded: a full batch is sent at once.
/// Native memory, of which only the used pages take room.
/// </remarks>
internal sealed unsafe class LinuxSendBatch
{
    /// <summary>Longer datagrams, and runs, are not kept: copying them would cost more than is saved.</summary>
    public const int LongestDatagram = 2048;

    private const int Capacity = 64;
    private const int DataBytes = 128 * 1024;
    private const int LongestRun = 65_507;
    private const int MostInRun = 64;

    [ThreadStatic]
    private static LinuxSendBatch? s_current;

    private readonly Entry[] _entries = new Entry[Capacity];
    private readonly LinuxMessageSlot* _slots;
    private readonly byte* _data;
    private int _count;
    private int _used;

    public LinuxSendBatch()
    {
        const int perMessage = LinuxSocketAddress.Space + LinuxIntControl.Space;
        int heads = Capacity * (sizeof(LinuxMessageSlot) + sizeof(LinuxVector) + perMessage);
        byte* block = (byte*)NativeMemory.AlignedAlloc((nuint)(heads + DataBytes), 4096);
        Unsafe.InitBlock(block, 0, (uint)heads);
        _data = block + heads;
        _slots = (LinuxMessageSlot*)block;
        byte* vectors = block + (Capacity * sizeof(LinuxMessageSlot));
        byte* rest = vectors + (Capacity * sizeof(LinuxVector));
        for (int i = 0; i < Capacity; i++, rest += perMessage)
        {
            ref var message = ref _slots[i].Message;
            message.Vectors = (LinuxVector*)vectors + i;
            message.VectorCount = 1;
            message.Name = rest;
            message.Control = rest + LinuxSocketAddress.Space;
        }
    }

    /// <summary>That of the calling thread; null when it receives nothing.</summary>
    public static LinuxSendBatch? Current
    {
        get => s_current;
        set => s_current = value;
    }

    /// <summary>Whether it is being sent: what is sent meanwhile, because the system has refused a datagram, is not kept.</summary>
    public bool IsSending { get; private set; }

    /// <summary>Keeps one datagram of at most <see cref="LongestDatagram"/> bytes.</summary>
    public void Add(LinuxUdpSocket socket, in InetEndPoint destination, ReadOnlySpan<byte> datagram)
    {
        if (_used + datagram.Length > DataBytes)
        {
            Send();
        }

        if (!TryExtend(socket, destination, datagram))
        {
            if (_count == Capacity)
            {
                Send();
            }

            Begin(socket, destination, datagram);
        }
    }

    /// <summary>Sends what was kept.</summary>
    public void Send()
    {
        IsSending = true;
        try
        {
            SendAll();
        }
        finally
        {
            IsSending = false;
            _entries.AsSpan(0, _count).Clear();
            _count = 0;
            _used = 0;
        }
    }

    /// <summary>Frees the memory. Not to be used afterwards.</summary>
    public void Free() => NativeMemory.AlignedFree(_slots);

    private void SendAll()
    {
        for (int from = 0; from < _count;)
        {
            var socket = _entries[from].Socket;
            int to = from + 1;
            while (to < _count && ReferenceEquals(_entries[to].Socket, socket))
            {
                to++;
            }

            socket.Send(_slots + from, _entries.AsSpan(from, to - from));
            from = to;
        }
    }

    private void Begin(LinuxUdpSocket socket, in InetEndPoint destination, ReadOnlySpan<byte> datagram)
    {
        _entries[_count] = new Entry { Socket = socket, Destination = destination, Segment = datagram.Length, Datagrams = 1 };
        ref var message = ref _slots[_count++].Message;
        message.NameLength = (uint)LinuxSocketAddress.Write(destination, out *(LinuxSocketAddress*)message.Name);
        message.ControlLength = 0;
        message.Vectors->Base = _data + _used;
        message.Vectors->Length = 0;
        Append(ref message, datagram);
    }

    // All datagrams of a run but the last have the same size.
    private bool TryExtend(LinuxUdpSocket socket, in InetEndPoint destination, ReadOnlySpan<byte> datagram)
    {
        if (_count == 0)
        {
            return false;
        }

        ref var last = ref _entries[_count - 1];
        ref var message = ref _slots[_count - 1].Message;
        int length = (int)message.Vectors->Length;
        if (!ReferenceEquals(last.Socket, socket)
            || last.Datagrams == MostInRun
            || length != last.Datagrams * last.Segment
            || datagram.Length > last.Segment
            || datagram.IsEmpty
            || length + datagram.Length > LongestRun
            || last.Destination != destination
            || !socket.SegmentationOffload)
        {
            return false;
        }

        if (last.Datagrams++ == 1)
        {
            message.ControlLength = LinuxIntControl.Space;
            *(LinuxIntControl*)message.Control = LinuxIntControl.ForSegment(last.Segment);
        }

        Append(ref message, datagram);
        return true;
    }

    private void Append(ref LinuxMessage message, ReadOnlySpan<byte> datagram)
    {
        datagram.CopyTo(new Span<byte>(_data + _used, datagram.Length));
        message.Vectors->Length += (nuint)datagram.Length;
        _used += datagram.Length;
    }

    /// <summary>One message: a datagram or a run.</summary>
    internal struct Entry
    {
        public LinuxUdpSocket Socket;
        public InetEndPoint Destination;

        /// <summary>Bytes of each datagram but the last.</summary>
        public int Segment;

        public int Datagrams;
    }
}
