using System.IO.Pipelines;

namespace ZeroTier;

/// <summary>
/// Distributes a node's events to its subscribers. Used by engines; applications call <see cref="ZeroTierNode.Subscribe()"/>. Thread-safe.
/// </summary>
/// <remarks>
/// Publishing never waits: each subscriber has its own bounded queue, so a slow subscriber only loses its own newest events.
/// </remarks>
internal sealed class ZeroTierEventHub : IDisposable
{
    // Lock order: this hub, then one subscription. No subscriber code runs under either: events are queued under the locks, readers are
    // woken after.
    private readonly Lock _lock = new();
    private readonly PipeScheduler _scheduler;
    private ZeroTierEventSubscription[] _subscriptions = [];
    private bool _disposed;

    /// <summary>Creates a hub.</summary>
    /// <param name="scheduler">Runs the subscribers' continuations. Default: the thread pool.</param>
    public ZeroTierEventHub(PipeScheduler? scheduler = null) => _scheduler = scheduler ?? PipeScheduler.ThreadPool;

    /// <summary>Number of open subscriptions.</summary>
    public int SubscriptionCount => Volatile.Read(ref _subscriptions).Length;

    /// <summary>Queues an event for every subscriber, all in the same order. After disposal it does nothing.</summary>
    public void Publish(ZeroTierEvent item)
    {
        ArgumentNullException.ThrowIfNull(item);
        ZeroTierEventSubscription[] subscriptions;
        lock (_lock)
        {
            subscriptions = _subscriptions;
            foreach (var subscription in subscriptions)
            {
                subscription.Enqueue(item);
            }
        }

        Wake(subscriptions);
    }

    /// <summary>Opens a subscription. On a disposed hub it has already ended.</summary>
    /// <param name="capacity">Events that may wait, 1 or more.</param>
    /// <exception cref="ArgumentOutOfRangeException">The capacity is lower than 1.</exception>
    public IZeroTierEventSubscription Subscribe(int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        var subscription = new ZeroTierEventSubscription(this, capacity, _scheduler);
        lock (_lock)
        {
            if (_disposed)
            {
                subscription.Complete();
            }
            else
            {
                _subscriptions = [.. _subscriptions, subscription];
            }
        }

        return subscription;
    }

    /// <summary>Ends every subscription once its queued events are read. Idempotent.</summary>
    public void Dispose()
    {
        ZeroTierEventSubscription[] subscriptions;
        lock (_lock)
        {
            _disposed = true;
            subscriptions = _subscriptions;
            _subscriptions = [];
            foreach (var subscription in subscriptions)
            {
                subscription.Complete();
            }
        }

        Wake(subscriptions);
    }

    internal void Remove(ZeroTierEventSubscription subscription)
    {
        lock (_lock)
        {
            _subscriptions = Array.FindAll(_subscriptions, s => s != subscription);
        }
    }

    // After the locks: an inline scheduler runs the subscriber's code here.
    private static void Wake(ZeroTierEventSubscription[] subscriptions)
    {
        foreach (var subscription in subscriptions)
        {
            subscription.Wake();
        }
    }
}
