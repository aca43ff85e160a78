using System.Diagnostics;
using ZeroTier.Managed;
using ZeroTier.Simulation;

namespace Paths.RealTime;

/// <summary>A packet on its way.</summary>
internal sealed class EmulatedPacket
{
    private readonly byte[] _buffer = new byte[EmulatedLink.Mtu];
    private int _length;

    public Span<byte> Data => _buffer.AsSpan(0, _length);

    /// <summary>Where a datagram goes; a packet of IP says so itself.</summary>
    public InetEndPoint Destination { get; private set; }

    public void Fill(ReadOnlySpan<byte> data, in InetEndPoint destination)
    {
        data.CopyTo(_buffer);
        _length = data.Length;
        Destination = destination;
    }
}

/// <summary>
/// One direction of a path, in real time: takes packets from any thread and hands them on, on a thread of its own, when they are due. What
/// it loses and holds back follows from the seed and the order of the packets. It lives as long as the process.
/// </summary>
internal sealed class EmulatedLink
{
    /// <summary>
    /// Bytes of an IP packet; larger ones vanish. It is what a node's largest datagram makes, 1,432 bytes and the headers of IPv4 and UDP:
    /// so the packets of all who are compared are equally large.
    /// </summary>
    public const int Mtu = 1460;

    private const int Batch = 32;
    private static readonly long s_late = Stopwatch.Frequency / 1000;
    private readonly Lock _lock = new();
    private readonly Alarm _alarm = new();
    private readonly PriorityQueue<EmulatedPacket, (long Due, long Number)> _travelling = new();
    private readonly Stack<EmulatedPacket> _pool = new();
    private readonly int _headerBytes;
    private readonly Action<EmulatedPacket> _deliver;
    private readonly Action? _endBatch;
    private LinkConditions _conditions = new() { Delay = TimeSpan.Zero };
    private SeededRandom _random = new(0);
    private long _number;
    private long _busyUntil;
    private long _lastDue;
    private long _wakesAt;
    private long _delivered;
    private long _late;

    /// <summary>Makes a link that only carries.</summary>
    /// <param name="headerBytes">Bytes of headers that each packet has beside those that are handed in.</param>
    /// <param name="deliver">Takes what has arrived; the packet is its own only during the call.</param>
    /// <param name="endBatch">Told when what was due has been delivered.</param>
    public EmulatedLink(int headerBytes, Action<EmulatedPacket> deliver, Action? endBatch = null)
    {
        _headerBytes = headerBytes;
        _deliver = deliver;
        _endBatch = endBatch;
        new Thread(Deliver) { IsBackground = true, Name = "Emulated link" }.Start();
    }

    /// <summary>Share of the packets since the last reset that came more than a millisecond after their time.</summary>
    public double LateShare
    {
        get
        {
            lock (_lock)
            {
                return (double)_late / Math.Max(1, _delivered);
            }
        }
    }

    /// <summary>Begins anew under other conditions: what still travels vanishes.</summary>
    public void Reset(LinkConditions conditions, ulong seed)
    {
        lock (_lock)
        {
            _conditions = conditions;
            _random = new SeededRandom(seed);
            _busyUntil = 0;
            _lastDue = 0;
            _delivered = 0;
            _late = 0;
            while (_travelling.TryDequeue(out var packet, out _))
            {
                _pool.Push(packet);
            }
        }
    }

    /// <summary>Sends a packet.</summary>
    public void Send(ReadOnlySpan<byte> data, in InetEndPoint destination = default)
    {
        int size = data.Length + _headerBytes;
        if (size > Mtu)
        {
            return;
        }

        lock (_lock)
        {
            long now = Stopwatch.GetTimestamp();
            if (_random.Chance(_conditions.Loss) || !TryPassBottleneck(size, now, out long left))
            {
                return;
            }

            if (!_pool.TryPop(out var packet))
            {
                packet = new EmulatedPacket();
            }

            packet.Fill(data, destination);
            long due = ArrivalOf(left);
            _travelling.Enqueue(packet, (due, _number++));
            if (due < _wakesAt)
            {
                _wakesAt = due;
                _alarm.Set();
            }
        }
    }

    private static long Ticks(TimeSpan time) => (long)(time.TotalSeconds * Stopwatch.Frequency);

    private bool TryPassBottleneck(int size, long now, out long left)
    {
        left = now;
        if (_conditions.BytesPerSecond == 0)
        {
            return true;
        }

        double ticksPerByte = Stopwatch.Frequency / _conditions.BytesPerSecond;
        long begin = Math.Max(now, _busyUntil);
        if ((begin - now) / ticksPerByte + size > _conditions.QueueBytes)
        {
            return false;
        }

        left = _busyUntil = begin + (long)(size * ticksPerByte);
        return true;
    }

    private long ArrivalOf(long left)
    {
        long due = left + Ticks(_conditions.Delay + _conditions.Jitter * (_conditions.Jitter > TimeSpan.Zero ? _random.NextDouble() : 0));
        if (_random.Chance(_conditions.Reorder))
        {
            return due + Ticks(_conditions.Delay * _random.NextDouble());
        }

        return _lastDue = Math.Max(due, _lastDue);
    }

    private void Deliver()
    {
        LinuxCalls.RunFirst();
        var due = new EmulatedPacket[Batch];
        while (true)
        {
            int count = TakeDue(due, out TimeSpan? wait);
            if (count == 0)
            {
                _alarm.Wait(wait);
                continue;
            }

            foreach (var packet in due.AsSpan(0, count))
            {
                _deliver(packet);
            }

            _endBatch?.Invoke();

            lock (_lock)
            {
                for (int i = 0; i < count; i++)
                {
                    _pool.Push(due[i]);
                }
            }
        }
    }

    private int TakeDue(EmulatedPacket[] due, out TimeSpan? wait)
    {
        lock (_lock)
        {
            long now = Stopwatch.GetTimestamp();
            int count = 0;
            while (count < Batch && _travelling.TryPeek(out _, out var first) && first.Due <= now)
            {
                due[count++] = _travelling.Dequeue();
                _late += now - first.Due > s_late ? 1 : 0;
            }

            _delivered += count;
            bool waits = _travelling.TryPeek(out _, out var next);
            _wakesAt = waits ? next.Due : long.MaxValue;
            wait = waits ? Stopwatch.GetElapsedTime(now, next.Due) : null;
            return count;
        }
    }
}
