namespace ZeroTier.Managed.Capture;

/// <summary>
/// The frames of a capture that are not written yet, as pcapng blocks in two buffers of fixed size: the data path fills one while the
/// other is written. When the buffer is full, frames are dropped and counted: the data path never waits for a disk. Thread-safe, except
/// that there may be only one reader.
/// </summary>
internal sealed class CaptureQueue
{
    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _filled = new(0, 1);
    private readonly Dictionary<NetworkId, Interface> _interfaces = [];
    private readonly NetworkId? _network;
    private readonly TimeProvider _time;
    private readonly ulong _start;
    private byte[] _filling;
    private byte[] _writing;
    private int _length;
    private long _room;
    private bool _ended;
    private bool _sizeReached;
    private long _frames;
    private long _dropped;

    /// <param name="options">What is captured.</param>
    /// <param name="time">The clock for the timestamps.</param>
    /// <param name="application">The application's name and version, recorded in the file.</param>
    /// <param name="size">The size of each buffer in bytes.</param>
    public CaptureQueue(CaptureOptions options, TimeProvider time, string application, int size)
    {
        _network = options.Network;
        _time = time;
        _filling = new byte[size];
        _writing = new byte[size];
        _room = options.MaxSize;
        _start = Now;
        var writer = new PcapngWriter(_filling);
        writer.Section(application);
        Commit(writer.Length);
    }

    /// <summary>Captured frames.</summary>
    public long Frames => Volatile.Read(ref _frames);

    /// <summary>Frames that were dropped because writing is too slow.</summary>
    public long Dropped => Volatile.Read(ref _dropped);

    /// <summary>Whether the capture has ended because it reached its size limit.</summary>
    public bool SizeReached => Volatile.Read(ref _sizeReached);

    private ulong Now => (ulong)(_time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks * TimeSpan.NanosecondsPerTick;

    /// <summary>Queues a frame, or drops it if the buffer is full.</summary>
    public void Add(in CapturedFrame frame)
    {
        if (_network is { } only && only != frame.Network)
        {
            return;
        }

        lock (_gate)
        {
            if (_ended)
            {
                return;
            }

            if (!_interfaces.TryGetValue(frame.Network, out var network) && !TryDescribe(frame, out network))
            {
                return;
            }

            network.Received++;
            if (_filling.Length - _length < PcapngWriter.MaxLength(frame.Payload.Length))
            {
                network.Dropped++;
                network.Lost++;
                Volatile.Write(ref _dropped, _dropped + 1);
                return;
            }

            var writer = new PcapngWriter(_filling.AsSpan(_length));
            writer.Frame(network.Number, Now, frame, network.Lost);
            if (TryTake(writer.Length))
            {
                network.Lost = 0;
                Volatile.Write(ref _frames, _frames + 1);
            }
        }
    }

    /// <summary>Ignores all further frames; the reader still gets those queued before.</summary>
    public void End()
    {
        lock (_gate)
        {
            EndLocked();
        }
    }

    /// <summary>Waits for blocks to write; returns empty memory at the end. The memory is valid until the next call.</summary>
    public async ValueTask<ReadOnlyMemory<byte>> NextAsync(CancellationToken cancellationToken)
    {
        await _filled.WaitAsync(cancellationToken).ConfigureAwait(false);
        lock (_gate)
        {
            (_filling, _writing) = (_writing, _filling);
            int length = _length;
            _length = 0;
            if (_ended)
            {
                // Lets further calls return the statistics, and then empty memory.
                _filled.Release();
                if (length == 0)
                {
                    length = WriteStatistics(_writing);
                }
            }

            return _writing.AsMemory(0, length);
        }
    }

    /// <summary>Adds the interface description of a network before its first frame, and reserves space for its statistics.</summary>
    private bool TryDescribe(in CapturedFrame frame, out Interface network)
    {
        network = new Interface(_interfaces.Count);
        if (_filling.Length - _length < PcapngWriter.MaxLength(0)
            || (_interfaces.Count + 1) * PcapngWriter.StatisticsLength > _filling.Length)
        {
            Volatile.Write(ref _dropped, _dropped + 1);
            return false;
        }

        var writer = new PcapngWriter(_filling.AsSpan(_length));
        writer.Interface(frame.Network, frame.NetworkName, frame.Own);
        if (_room < writer.Length + PcapngWriter.StatisticsLength)
        {
            EndAtSize();
            return false;
        }

        _room -= PcapngWriter.StatisticsLength;
        Commit(writer.Length);
        _interfaces.Add(frame.Network, network);
        return true;
    }

    private bool TryTake(int length)
    {
        if (_room < length)
        {
            EndAtSize();
            return false;
        }

        Commit(length);
        return true;
    }

    private void Commit(int length)
    {
        _room -= length;
        if (_length == 0 && !_ended)
        {
            _filled.Release();
        }

        _length += length;
    }

    private void EndAtSize()
    {
        Volatile.Write(ref _sizeReached, true);
        EndLocked();
    }

    private void EndLocked()
    {
        if (_ended)
        {
            return;
        }

        _ended = true;
        if (_length == 0)
        {
            _filled.Release();
        }
    }

    private int WriteStatistics(Span<byte> room)
    {
        ulong now = Now;
        int length = 0;
        foreach (var network in _interfaces.Values)
        {
            var writer = new PcapngWriter(room[length..]);
            writer.Statistics(network.Number, _start, now, network.Received, network.Dropped);
            length += writer.Length;
        }

        _interfaces.Clear();
        return length;
    }

    /// <summary>A captured network, which is a pcapng interface.</summary>
    private sealed class Interface(int number)
    {
        public int Number => number;

        public long Received { get; set; }

        public long Dropped { get; set; }

        /// <summary>Frames dropped since the last captured one.</summary>
        public long Lost { get; set; }
    }
}
