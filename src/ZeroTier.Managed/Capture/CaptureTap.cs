namespace ZeroTier.Managed.Capture;

/// <summary>
/// Where the frames of a node's networks can be tapped, over all lives of the node. Without a capture, a frame costs one volatile read.
/// Thread-safe.
/// </summary>
internal sealed class CaptureTap : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private volatile FrameCapture[]? _active;
    private bool _disposed;

    /// <summary>The captures that run; null for none.</summary>
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

    /// <summary>Ends every capture, and those to come at once.</summary>
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
