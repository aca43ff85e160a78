namespace ZeroTier.Managed.IpStack.Tcp;

/// <summary>
/// The TCP layers of a node that have received something since the end of the last batch, so that the end of a batch costs nothing for the
/// others. Thread-safe; no other lock is taken under its lock.
/// </summary>
internal sealed class BatchQueue
{
    private readonly Lock _gate = new();
    private readonly Queue<TcpLayer> _layers = new();
    private int _count;

    /// <summary>Adds a layer, unless it is in the queue.</summary>
    public void Add(TcpLayer layer)
    {
        lock (_gate)
        {
            if (!layer.IsQueued)
            {
                layer.IsQueued = true;
                _layers.Enqueue(layer);
                Volatile.Write(ref _count, _layers.Count);
            }
        }
    }

    /// <summary>Ends the batch on the layers that are in the queue now.</summary>
    /// <returns>How many these were.</returns>
    public int EndOfBatch()
    {
        int count = Volatile.Read(ref _count);
        int done = 0;
        for (; done < count && TryTake() is { } layer; done++)
        {
            layer.EndOfBatch();
        }

        return done;
    }

    private TcpLayer? TryTake()
    {
        lock (_gate)
        {
            if (!_layers.TryDequeue(out TcpLayer? layer))
            {
                return null;
            }

            layer.IsQueued = false;
            Volatile.Write(ref _count, _layers.Count);
            return layer;
        }
    }
}
