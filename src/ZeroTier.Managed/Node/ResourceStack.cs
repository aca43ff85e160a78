namespace ZeroTier.Managed.Node;

/// <summary>
/// What a start has opened so far. Disposal closes it in reverse order, each item even if another fails. Not thread-safe.
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
