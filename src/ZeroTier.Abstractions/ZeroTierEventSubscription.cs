using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace ZeroTier;

/// <summary>One subscriber's queue.</summary>
internal sealed class ZeroTierEventSubscription(ZeroTierEventHub hub, int capacity, PipeScheduler scheduler) : IZeroTierEventSubscription
{
    private readonly Lock _lock = new();
    private readonly Queue<ZeroTierEvent> _queue = new();
    private TaskCompletionSource? _reader;
    private bool _completed;
    private bool _disposed;
    private long _dropped;

    public long Dropped => Interlocked.Read(ref _dropped);

    public async IAsyncEnumerable<ZeroTierEvent> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            ZeroTierEvent? item;
            TaskCompletionSource? wait = null;
            lock (_lock)
            {
                if (_disposed || (_queue.Count == 0 && _completed))
                {
                    yield break;
                }

                if (!_queue.TryDequeue(out item))
                {
                    if (_reader is not null)
                    {
                        throw new InvalidOperationException("A subscription has one reader at a time.");
                    }

                    _reader = wait = new TaskCompletionSource();
                }
            }

            if (item is not null)
            {
                yield return item;
                continue;
            }

            using (cancellationToken.UnsafeRegister(static state => ((ZeroTierEventSubscription)state!).Wake(), this))
            {
                await wait!.Task.ConfigureAwait(false);
            }
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            _queue.Clear();
        }

        hub.Remove(this);
        Wake();
    }

    // Only queues: the hub wakes the reader after releasing its lock.
    internal void Enqueue(ZeroTierEvent item)
    {
        lock (_lock)
        {
            if (_completed || _disposed)
            {
                return;
            }

            if (_queue.Count == capacity)
            {
                Interlocked.Increment(ref _dropped);
                return;
            }

            _queue.Enqueue(item);
        }
    }

    internal void Complete()
    {
        lock (_lock)
        {
            _completed = true;
        }
    }

    internal void Wake()
    {
        TaskCompletionSource? reader;
        lock (_lock)
        {
            reader = _reader;
            _reader = null;
        }

        if (reader is not null)
        {
            scheduler.Schedule(static state => ((TaskCompletionSource)state!).TrySetResult(), reader);
        }
    }
}
