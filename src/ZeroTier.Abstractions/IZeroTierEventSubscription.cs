namespace ZeroTier;

/// <summary>One subscriber's own bounded queue of events. Dispose it to unsubscribe.</summary>
public interface IZeroTierEventSubscription : IDisposable
{
    /// <summary>Events dropped because this subscriber's queue was full.</summary>
    long Dropped { get; }

    /// <summary>
    /// The events since the subscription was opened, in order. Ends when the subscription or the node is disposed. One reader at a time.
    /// </summary>
    IAsyncEnumerable<ZeroTierEvent> ReadAllAsync(CancellationToken cancellationToken = default);
}
