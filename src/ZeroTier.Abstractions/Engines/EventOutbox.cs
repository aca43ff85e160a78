namespace ZeroTier.Engines;

/// <summary>
/// Publishes events in the order of the state changes that caused them: events are queued while the state's lock is held, and published
/// after it is released, by one thread at a time.
/// </summary>
internal sealed class EventOutbox(ZeroTierEventHub hub, TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly Queue<ZeroTierEvent> _queue = new();
    private bool _publishing;

    /// <summary>Queues an event. May be called under locks.</summary>
    public void Add(
        ZeroTierEventCode code, NetworkId? network = null, NodeId? peer = null, System.Net.IPAddress? address = null, string? detail = null)
    {
        var item = new ZeroTierEvent(code, time.GetUtcNow()) { Network = network, Peer = peer, Address = address, Detail = detail };
        lock (_lock)
        {
            _queue.Enqueue(item);
        }
    }

    /// <summary>Publishes the queued events. Must not be called under locks: with an inline scheduler, subscriber code runs here.</summary>
    public void Publish()
    {
        lock (_lock)
        {
            if (_publishing)
            {
                return;
            }

            _publishing = true;
        }

        while (true)
        {
            ZeroTierEvent? item;
            lock (_lock)
            {
                if (!_queue.TryDequeue(out item))
                {
                    _publishing = false;
                    return;
                }
            }

            hub.Publish(item);
        }
    }
}
