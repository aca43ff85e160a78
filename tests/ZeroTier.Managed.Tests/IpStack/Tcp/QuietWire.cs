using System.Buffers;
using System.IO.Pipelines;
using ZeroTier.Managed.Net;
using ZeroTier.Managed.IpStack;
using ZeroTier.Managed.IpStack.Tcp;

namespace ZeroTier.Managed.Tests.IpStack.Tcp;

/// <summary>
/// Two stacks on a wire that allocates nothing itself, without loss and at a clock that stands still: for measuring what the stack costs.
/// </summary>
internal sealed class QuietWire : IDisposable
{
    private const int Mtu = 1374;
    private const int Slots = 4096;

    private readonly Port _a;
    private readonly Port _b;

    public QuietWire(MemoryPool<byte> pool, RandomSource random)
    {
        var time = new StillTime();
        _a = new Port(IpAddress.FromIPv6(1), new MacAddress(0x0200_0000_0001), time, random);
        _b = new Port(IpAddress.FromIPv6(2), new MacAddress(0x0200_0000_0002), time, random);
        TcpSocketOptions options = TcpSocketOptions.Default with { Input = Pipe(pool, 1 << 20), Output = Pipe(pool, 1 << 16) };
        using TcpListener listener = _b.Layer.Listen(null, 80, new TcpListenOptions { Socket = options });
        ValueTask<TcpSocket?> accept = listener.AcceptAsync(CancellationToken.None);
        ValueTask<TcpSocket> connect = _a.Layer.ConnectAsync(_a.Address, _b.Address, 80, options, CancellationToken.None);
        Pump();
        Client = connect.IsCompletedSuccessfully ? connect.Result : throw new InvalidOperationException("The handshake did not end.");
        Server = accept.IsCompletedSuccessfully ? accept.Result! : throw new InvalidOperationException("The handshake did not end.");
    }

    public TcpSocket Client { get; }

    public TcpSocket Server { get; }

    /// <summary>Segments that both stacks have sent.</summary>
    public long SegmentsSent => _a.Layer.Statistics[TcpCounter.SegmentsSent] + _b.Layer.Statistics[TcpCounter.SegmentsSent];

    /// <summary>Writes as the application, as much as one flush takes.</summary>
    public static void Write(TcpSocket socket, int count)
    {
        while (count > 0)
        {
            Memory<byte> memory = socket.Output.GetMemory();
            int length = Math.Min(memory.Length, count);
            socket.Output.Advance(length);
            count -= length;
        }

        if (!socket.Output.FlushAsync(CancellationToken.None).IsCompleted)
        {
            throw new InvalidOperationException("The flush waits.");
        }
    }

    /// <summary>Reads what is there as the application.</summary>
    public static long Read(TcpSocket socket)
    {
        if (!socket.Input.TryRead(out ReadResult result))
        {
            return 0;
        }

        long length = result.Buffer.Length;
        socket.Input.AdvanceTo(result.Buffer.End);
        return length;
    }

    /// <summary>Carries the client's packets and leaves the answers lying.</summary>
    public void DeliverToServer() => _a.DeliverTo(_b);

    /// <summary>Carries packets until none waits.</summary>
    public void Pump()
    {
        while (_a.DeliverTo(_b) | _b.DeliverTo(_a))
        {
        }
    }

    public void Dispose()
    {
        _a.Layer.Dispose();
        _b.Layer.Dispose();
    }

    private static PipeOptions Pipe(MemoryPool<byte> pool, int limit) => new(
        pool,
        PipeScheduler.Inline,
        PipeScheduler.Inline,
        pauseWriterThreshold: limit,
        resumeWriterThreshold: limit / 2,
        useSynchronizationContext: false);

    private sealed class Port : IIpOutput
    {
        private readonly Batch _batch = new();
        private readonly MacAddress _mac;

        public Port(IpAddress address, MacAddress mac, TimeProvider time, RandomSource random)
        {
            Address = address;
            _mac = mac;
            Layer = new TcpLayer(this, time, random, TcpLayerOptions.Default with { Scheduler = PipeScheduler.Inline });
        }

        public IpAddress Address { get; }

        public TcpLayer Layer { get; }

        public int MaxPayload(in IpAddress destination) => Mtu;

        public IpBatch BeginBatch() => _batch;

        public bool DeliverTo(Port other)
        {
            bool any = false;
            while (_batch.TryTake(out ReadOnlySpan<byte> packet))
            {
                other.Layer.OnSegment(Address, other.Address, _mac, packet);
                any = true;
            }

            other.Layer.EndOfBatch();
            return any;
        }
    }

    /// <summary>A ring of packets that serves as every batch: there is one thread, and nothing waits for the send.</summary>
    private sealed class Batch : IpBatch
    {
        private readonly byte[] _packets = new byte[Slots * Mtu];
        private readonly int[] _lengths = new int[Slots];
        private int _taken;
        private int _committed;
        private int _reserved;

        public override Span<byte> Reserve(in IpAddress source, in IpAddress destination, IpProtocol protocol, int length)
        {
            if (_committed - _taken == Slots)
            {
                throw new InvalidOperationException("The wire is full.");
            }

            _reserved = length;
            return _packets.AsSpan(_committed % Slots * Mtu, length);
        }

        public override void Commit() => _lengths[_committed++ % Slots] = _reserved;

        public override void Send()
        {
        }

        public bool TryTake(out ReadOnlySpan<byte> packet)
        {
            packet = default;
            if (_taken == _committed)
            {
                return false;
            }

            int slot = _taken++ % Slots;
            packet = _packets.AsSpan(slot * Mtu, _lengths[slot]);
            return true;
        }
    }

    private sealed class StillTime : TimeProvider
    {
        public override long GetTimestamp() => 0;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => new Timer();

        private sealed class Timer : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => true;

            public void Dispose()
            {
            }

            public ValueTask DisposeAsync() => ValueTask.CompletedTask;
        }
    }
}
