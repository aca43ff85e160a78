using System.IO.Pipelines;
using ZeroTier.Engines;

namespace ZeroTier.Hosting.Node;

/// <summary>
/// Observes the node's events: pulses a signal at each one, and keeps the last events and the offline time for the health check.
/// Thread-safe.
/// </summary>
internal sealed class NodeWatch(TimeProvider timeProvider)
{
    private const int Kept = 16;

    private readonly Lock _gate = new();
    private readonly Queue<ZeroTierEvent> _recent = new(Kept);
    private long? _offlineSince;

    /// <summary>Pulses at every event.</summary>
    public StateSignal Changed { get; } = new(PipeScheduler.ThreadPool);

    /// <summary>The last events, oldest first.</summary>
    public IReadOnlyList<ZeroTierEvent> Recent
    {
        get
        {
            lock (_gate)
            {
                return [.. _recent];
            }
        }
    }

    /// <summary>The time since the node went offline; null when it never was online, or is again.</summary>
    public TimeSpan? OfflineFor
    {
        get
        {
            lock (_gate)
            {
                return _offlineSince is { } since ? timeProvider.GetElapsedTime(since) : null;
            }
        }
    }

    /// <summary>Reads events until the subscription ends.</summary>
    public async Task RunAsync(IZeroTierEventSubscription subscription)
    {
        await foreach (var change in subscription.ReadAllAsync().ConfigureAwait(false))
        {
            Add(change);
            Changed.Pulse();
        }
    }

    private void Add(ZeroTierEvent change)
    {
        lock (_gate)
        {
            if (_recent.Count == Kept)
            {
                _recent.Dequeue();
            }

            _recent.Enqueue(change);
            _offlineSince = change.Code switch
            {
                // Only the loss of a working connection has a grace period; a node that was never online has none.
                ZeroTierEventCode.NodeOffline => _offlineSince ?? timeProvider.GetTimestamp(),
                ZeroTierEventCode.NodeOnline or ZeroTierEventCode.NodeDown or ZeroTierEventCode.NodeFatalError => null,
                _ => _offlineSince,
            };
        }
    }
}
