namespace ZeroTier.Managed.Node;

/// <summary>
/// The resources that a start has opened so far. Disposed of in reverse order, each even if another one fails. Not thread-safe.
/// </summary>
internal sealed class ResourceStack : IAsyncDisposable
{
    private readonly Stack<object> _items = new();

    /// <summary>Adds something to close: <see cref="IAsyncDisposable"/> or <see cref="IDisposable"/>.</summary>
    public T Add<T>(T item)
        where T : class
    {
        _items.Push(item);
        return item;
    }

    public async ValueTask DisposeAsync()
    {
        List<Exception>? errors = null;
        while (_items.TryPop(out object? item))
        {
            try
            {
                if (item is IAsyncDisposable asynchronous)
                {
                    await asynchronous.DisposeAsync().ConfigureAwait(false);
                }
                else if (item is IDisposable synchronous)
                {
                    synchronous.Dispose();
                }
            }
            catch (Exception e)
            {
                (errors ??= []).Add(e);
            }
        }

        if (errors is not null)
        {
            throw new AggregateException("Not everything of the node could be closed.", errors);
        }
    }
}
