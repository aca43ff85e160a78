namespace ZeroTier.Managed.Capture;

/// <summary>
/// The running captures of a node, which persist when it is stopped and started again. Without a capture, the cost per frame is one
/// volatile read. Thread-safe.
/// </summary>
internal sealed class CaptureTap : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private volatile FrameCapture[]? _active;
    private bool _disposed;

    /// <summary>The running captures; null for none.</summary>
    public FrameCapture[]? Active => _active;

    public void Add(FrameCapture capture)
    {
        lock (_gate)
        {
            if (!_disposed)
            {
                _active = [.. _active ?? [], capture];
                return;
            }
        }

        capture.End();
    }

    public void Remove(FrameCapture capture)
    {
        lock (_gate)
        {
            FrameCapture[] left = [.. (_active ?? []).Where(other => other != capture)];
            _active = left.Length == 0 ? null : left;
        }
    }

    /// <summary>Ends all captures. Captures added later end immediately.</summary>
    public async ValueTask DisposeAsync()
    {
        FrameCapture[] left;
        lock (_gate)
        {
            _disposed = true;
            left = _active ?? [];
        }

        foreach (var capture in left)
        {
            await capture.DisposeAsync().ConfigureAwait(false);
        }
    }
}
