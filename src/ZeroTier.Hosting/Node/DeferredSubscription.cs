using System.Runtime.CompilerServices;

namespace ZeroTier.Hosting.Node;

/// <summary>A subscription opened before the node exists. It misses no event, because the node is attached before it starts.</summary>
/// <param name="capacity">The length of the queue.</param>
/// <param name="disposed">Called when the subscription is disposed.</param>
internal sealed class DeferredSubscription(int capacity, Action<DeferredSubscription> disposed) : IZeroTierEventSubscription
{
    private readonly Lock _gate = new();
    private readonly TaskCompletionSource<IZeroTierEventSubscription?> _attached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _disposed;

    public long Dropped => _attached.Task is { IsCompletedSuccessfully: true, Result: { } inner } ? inner.Dropped : 0;

    /// <summary>Subscribes to the node, once it is created.</summary>
    public void Attach(ZeroTierNode node)
    {
        lock (_gate)
        {
            if (!_disposed && !_attached.Task.IsCompleted)
            {
                _attached.SetResult(node.Subscribe(capacity));
            }
        }
    }

    public async IAsyncEnumerable<ZeroTierEvent> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        if (await _attached.Task.WaitAsync(cancellationToken).ConfigureAwait(false) is { } inner)
        {
            await foreach (var change in inner.ReadAllAsync(cancellationToken).ConfigureAwait(false))
            {
                yield return change;
            }
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            _attached.TrySetResult(null);
        }

        // Completed on every path above, so this does not block.
        _attached.Task.Result?.Dispose();
        disposed(this);
    }
}
