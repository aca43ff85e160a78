namespace ZeroTier.Engines;

/// <summary>
/// Events in the order of the state changes that caused them: noted while the state's lock is held, published after it is released, by one
/// thread at a time.
/// </summary>
internal sealed class EventOutbox(ZeroTierEventHub hub, TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly Queue<ZeroTierEvent> _queue = new();
    private bool _publishing;

    /// <summary>Notes an event. Allowed under locks.</summary>
    public void Add(
        ZeroTierEventCode code, NetworkId? network = null, NodeId? peer = null, System.Net.IPAddress? address = null, string? detail = null)
    {
        var item = new ZeroTierEvent(code, time.GetUtcNow()) { Network = network, Peer = peer, Address = address, Detail = detail };
        lock (_lock)
        {
            _queue.Enqueue(item);
        }
    }

    /// <summary>Publishes what was noted. Not under locks: with an inline scheduler, subscribers run here.</summary>
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
