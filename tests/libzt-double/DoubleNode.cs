namespace ZeroTier.LibztDouble;

/// <summary>
/// A node of the native engine on a double of its own. libzt allows one node per process; each of these has the engine's assembly and the
/// library to itself, so that one test may hold several, which reach each other over kernel loopback.
/// </summary>
public sealed class DoubleNode : IAsyncDisposable
{
    private readonly DoubleContext _context;
    private readonly List<ZeroTierNode> _siblings = [];
    private bool _disposed;

    private DoubleNode(DoubleContext context, DoubleNodeOptions options)
    {
        _context = context;
        Node = context.CreateNode(options);
    }

    /// <summary>The node.</summary>
    public ZeroTierNode Node { get; }

    /// <summary>The script, the record and the counters of its double.</summary>
    public DoubleControl Control => _context.Control;

    /// <summary>Makes a node; nothing is started.</summary>
    /// <exception cref="InvalidOperationException">There is no double here; see <see cref="DoubleLibrary.SkipReason"/>.</exception>
    public static DoubleNode Create(DoubleNodeOptions? options = null)
    {
        var context = DoubleContext.Rent();
        try
        {
            return new DoubleNode(context, options ?? new DoubleNodeOptions());
        }
        catch
        {
            context.Return();
            throw;
        }
    }

    /// <summary>A second node on the same engine and library, as in one process. Disposed with this one.</summary>
    public ZeroTierNode CreateSibling(DoubleNodeOptions? options = null)
    {
        var node = _context.CreateNode(options ?? new DoubleNodeOptions());
        _siblings.Add(node);
        return node;
    }

    /// <summary>Disposes the node, checks that no rule of the library was broken, and resets the double.</summary>
    /// <exception cref="InvalidOperationException">Rules were broken, or descriptors were left open; the message has the double's
    /// record.</exception>
    public async ValueTask DisposeAsync()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        foreach (var sibling in _siblings)
        {
            await sibling.DisposeAsync().ConfigureAwait(false);
        }

        await Node.DisposeAsync().ConfigureAwait(false);
        var violations = Control.Violations;
        long open = Control.Counter("sockets");
        Control.Reset();
        _context.Return();
        if (violations.Count > 0 || open > 0)
        {
            throw new InvalidOperationException(
                $"The engine left {open} descriptors open and broke these rules of libzt:\n{string.Join('\n', violations)}");
        }
    }
}
