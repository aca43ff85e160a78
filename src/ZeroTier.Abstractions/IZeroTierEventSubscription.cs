namespace ZeroTier;

/// <summary>One subscriber's own bounded queue of events. Dispose it to unsubscribe.</summary>
public interface IZeroTierEventSubscription : IDisposable
{
    /// <summary>Events lost because this subscriber was slower than its queue is long.</summary>
    long Dropped { get; }

    /// <summary>
    /// The events from the moment of subscription on, in order; ends when the subscription or the node is disposed. One reader at a time.
    /// </summary>
    IAsyncEnumerable<ZeroTierEvent> ReadAllAsync(CancellationToken cancellationToken = default);
}
