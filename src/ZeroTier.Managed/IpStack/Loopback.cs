using System.Buffers;
using System.IO.Pipelines;

namespace ZeroTier.Managed.IpStack;

/// <summary>Queue of packets to our own addresses. Bounded. Thread-safe.</summary>
/// <remarks>
/// They are delivered on the scheduler, after their batch was sent: the thread that writes a batch may hold a lock that delivery takes.
/// </remarks>
internal sealed class Loopback(PipeScheduler scheduler, IpDropCounters drops, Loopback.Deliver deliver)
{
    internal const int MaxQueued = 1024;

    private readonly Lock _gate = new();
    private readonly Queue<ArraySegment<byte>> _queue = new();
    private bool _draining;
    private volatile bool _waiting;

    internal delegate void Deliver(ReadOnlySpan<byte> packet, bool endOfBatch);

    public void Enqueue(ReadOnlySpan<byte> packet)
    {
        lock (_gate)
        {
            if (_queue.Count >= MaxQueued)
            {
                drops.Count(IpDrop.Loopback);
                return;
            }

            byte[] copy = ArrayPool<byte>.Shared.Rent(packet.Length);
            packet.CopyTo(copy);
            _queue.Enqueue(new ArraySegment<byte>(copy, 0, packet.Length));
            _waiting = true;
        }
    }

    /// <summary>Schedules the delivery of the queued packets.</summary>
    public void Flush()
    {
        if (!_waiting)
        {
            return;
        }

        lock (_gate)
        {
            if (_draining || _queue.Count == 0)
            {
                return;
            }

            _draining = true;
        }

        scheduler.Schedule(static state => ((Loopback)state!).Drain(), this);
    }

    private void Drain()
    {
        while (true)
        {
            ArraySegment<byte> packet;
            bool last;
            lock (_gate)
            {
                if (_queue.Count == 0)
                {
                    _draining = false;
                    _waiting = false;
                    return;
                }

                packet = _queue.Dequeue();
                last = _queue.Count == 0;
            }

            deliver(packet, last);
            ArrayPool<byte>.Shared.Return(packet.Array!);
        }
    }
}
