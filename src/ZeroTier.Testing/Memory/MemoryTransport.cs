using System.Buffers;
using ZeroTier.Managed;

namespace ZeroTier.Testing.Memory;

/// <summary>The in-memory datagram transport of one node: a bounded queue from which thread pool work items deliver. Thread-safe.</summary>
/// <remarks>
/// There is at most one work item at a time. It delivers one batch and then returns the thread, so that a bulk transfer does not starve the
/// application on a small thread pool.
/// </remarks>
internal sealed class MemoryTransport : IDatagramTransport, IThreadPoolWorkItem
{
    private const int MaxQueuedBytes = 4 * 1024 * 1024;
    private const int MaxQueuedEntries = 16 * 1024;
    private const int EntriesPerBatch = 32;

    private readonly MemoryWire _wire;
    private readonly ITimer? _timer;
    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Guards the fields below. Nothing that delivers or blocks is called while it is held.
    private readonly Lock _gate = new();
    private readonly Queue<Entry> _queue = new();
    private IDatagramReceiver? _receiver;
    private long _queuedBytes;
    private bool _working;

    // Working, and waiting for the timer.
    private bool _resting;
    private bool _closed;

    public MemoryTransport(MemoryWire wire, InetEndPoint endPoint)
    {
        _wire = wire;
        EndPoint = endPoint;
        LocalEndPoints = [endPoint];
        if (wire.Latency > TimeSpan.Zero)
        {
            _timer = TimeProvider.System.CreateTimer(
                static self => ((MemoryTransport)self!).OnDue(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }

    public InetEndPoint EndPoint { get; }

    public IReadOnlyList<InetEndPoint> LocalEndPoints { get; }

    public void Start(IDatagramReceiver receiver)
    {
        lock (_gate)
        {
            _receiver = receiver;
        }
    }

    public void Send(int socket, in InetEndPoint destination, ReadOnlySpan<byte> datagrams, int segmentSize) =>
        _wire.Send(EndPoint, destination, datagrams, segmentSize);

    // There are no routers, so the hop limit has no effect.
    public void SendWithHopLimit(int socket, in InetEndPoint destination, ReadOnlySpan<byte> datagram, int hops) =>
        _wire.Send(EndPoint, destination, datagram, Math.Max(1, datagram.Length));

    /// <summary>Queues datagrams for the node. Those that do not fit are dropped, as with a full socket buffer.</summary>
    public void Enqueue(in InetEndPoint source, ReadOnlySpan<byte> datagrams, int segmentSize)
    {
        byte[] copy = ArrayPool<byte>.Shared.Rent(datagrams.Length);
        datagrams.CopyTo(copy);
        var entry = new Entry(source, copy, datagrams.Length, segmentSize, _timer is null ? 0 : TimeProvider.System.GetTimestamp());
        bool taken;
        bool work = false;
        lock (_gate)
        {
            taken = _receiver is not null && !_closed && _queuedBytes + entry.Length <= MaxQueuedBytes && _queue.Count < MaxQueuedEntries;
            if (taken)
            {
                _queue.Enqueue(entry);
                _queuedBytes += entry.Length;
                work = !_working;
                _working = true;
            }
        }

        if (!taken)
        {
            ArrayPool<byte>.Shared.Return(copy);
        }
        else if (work)
        {
            Schedule();
        }
    }

    /// <summary>Delivers a batch. Called by the thread pool only.</summary>
    public void Execute()
    {
        bool any = false;
        for (int i = 0; i < EntriesPerBatch && TryTake(out var entry, out var receiver); i++)
        {
            any = true;
            for (int at = 0; at < entry.Length; at += entry.SegmentSize)
            {
                receiver.OnDatagram(0, entry.Source, entry.Data.AsSpan(at, Math.Min(entry.SegmentSize, entry.Length - at)));
            }

            ArrayPool<byte>.Shared.Return(entry.Data);
        }

        if (any)
        {
            _receiver!.OnBatchEnd(0);
        }

        if (HasMoreNow())
        {
            Schedule();
        }
    }

    /// <summary>Closes the transport, and completes when no delivery is in progress.</summary>
    public async ValueTask DisposeAsync()
    {
        _wire.Close(this);
        lock (_gate)
        {
            _closed = true;
            while (_queue.TryDequeue(out var entry))
            {
                ArrayPool<byte>.Shared.Return(entry.Data);
            }

            if (!_working || _resting)
            {
                _resting = false;
                _idle.TrySetResult();
            }
        }

        await _idle.Task.ConfigureAwait(false);
        if (_timer is not null)
        {
            await _timer.DisposeAsync().ConfigureAwait(false);
        }
    }

    private void Schedule() => ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);

    private bool TryTake(out Entry entry, out IDatagramReceiver receiver)
    {
        lock (_gate)
        {
            receiver = _receiver!;
            if (_queue.TryPeek(out entry) && TimeLeft(entry) <= TimeSpan.Zero)
            {
                _queue.Dequeue();
                _queuedBytes -= entry.Length;
                return true;
            }

            return false;
        }
    }

    /// <summary>
    /// Returns whether a datagram is due now. If not, work stops until the timer fires or, with an empty queue, until the next datagram.
    /// </summary>
    private bool HasMoreNow()
    {
        lock (_gate)
        {
            if (_queue.TryPeek(out var next))
            {
                if (TimeLeft(next) is var left && left <= TimeSpan.Zero)
                {
                    return true;
                }

                _resting = true;
                _timer!.Change(left, Timeout.InfiniteTimeSpan);
                return false;
            }

            _working = false;
            if (_closed)
            {
                _idle.TrySetResult();
            }

            return false;
        }
    }

    private TimeSpan TimeLeft(in Entry entry) =>
        _timer is null ? TimeSpan.Zero : _wire.Latency - TimeProvider.System.GetElapsedTime(entry.Sent);

    private void OnDue()
    {
        lock (_gate)
        {
            if (!_resting)
            {
                return;
            }

            _resting = false;
        }

        Schedule();
    }

    private readonly record struct Entry(InetEndPoint Source, byte[] Data, int Length, int SegmentSize, long Sent);
}
