using System.Buffers;
using System.IO.Pipelines;

namespace ZeroTier.Managed.IpStack;

/// <summary>Packets to ourselves. Bounded. Thread-safe.</summary>
/// <remarks>Delivered by the scheduler after their batch is sent, because the thread that writes a batch may hold a lock.</remarks>
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

    /// <summary>Has what was queued delivered.</summary>
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
