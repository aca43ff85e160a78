using ZeroTier.Libzt.Node;

namespace ZeroTier.Libzt;

/// <content>Start, stop, and the end by itself.</content>
public sealed partial class LibztNode
{
    /// <summary>Starts the node. Returns when it runs, not when it is online. Does nothing when it already runs.</summary>
    /// <exception cref="ZeroTierException">
    /// The library, the storage, the identity or the UDP port cannot be used, or another libzt node runs in this process. Nothing is left behind and the call
    /// may be repeated.
    /// </exception>
    public async Task StartAsync(CancellationToken cancellationToken = default)
    {
        await NativeLife.Gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await StartCoreAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            NativeLife.Gate.Release();
        }
    }

    /// <inheritdoc />
    public async Task StopAsync(CancellationToken cancellationToken = default)
    {
        await NativeLife.Gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await StopCoreAsync(ZeroTierNodeState.Stopped).ConfigureAwait(false);
        }
        finally
        {
            NativeLife.Gate.Release();
        }
    }

    /// <inheritdoc />
    public async Task RestartAsync(CancellationToken cancellationToken = default)
    {
        await NativeLife.Gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await StopCoreAsync(ZeroTierNodeState.Stopped).ConfigureAwait(false);
            await StartCoreAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            NativeLife.Gate.Release();
        }
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await NativeLife.Gate.WaitAsync().ConfigureAwait(false);
        try
        {
            if (_state != ZeroTierNodeState.Disposed)
            {
                await StopCoreAsync(ZeroTierNodeState.Disposed).ConfigureAwait(false);
                _state = ZeroTierNodeState.Disposed;
                _identity?.Dispose();
                _hub.Dispose();
                _changed.Pulse();
            }
        }
        finally
        {
            NativeLife.Gate.Release();
        }
    }

    private async Task StartCoreAsync(CancellationToken cancellationToken)
    {
        ThrowIfDisposed();
        if (_state == ZeroTierNodeState.Running)
        {
            return;
        }

        // Out of "failed", a start begins anew.
        await StopCoreAsync(ZeroTierNodeState.Stopped).ConfigureAwait(false);
        var library = LibztLibrary.Load(_options.LibraryPath);
        NativeLife.Claim(this);
        try
        {
            _identity ??= _options.Identity is { } text ? IdentityText.Parse(text) : null;
            NetworkId[] networks;
            lock (_lock)
            {
                networks = [.. _joined];
            }

            var session = await NodeSession.StartAsync(_options, library, _identity, networks, _events, _changed, Fail, cancellationToken).ConfigureAwait(false);
            _fatal = null;
            _session = session;
            if (_options.StoragePath is null)
            {
                _identity ??= IdentityText.OfRunningNode();
            }

            lock (_lock)
            {
                _id = session.Id;
            }
        }
        catch
        {
            // A session that began ends here; one that did not has ended itself.
            await StopCoreAsync(ZeroTierNodeState.Stopped).ConfigureAwait(false);
            NativeLife.Release(this);
            throw;
        }

        _state = ZeroTierNodeState.Running;
        _events.Publish();
        _session.Watch();
        _changed.Pulse();
    }

    private async Task StopCoreAsync(ZeroTierNodeState end)
    {
        if (_session is { } session)
        {
            _state = end;
            _session = null;
            _changed.Pulse();
            try
            {
                if (await session.StopAsync().ConfigureAwait(false) is { } frozen)
                {
                    _fatal = frozen;
                    _state = ZeroTierNodeState.Failed;
                    _changed.Pulse();
                    return;
                }
            }
            finally
            {
                NativeLife.Release(this);
            }
        }

        if (_state == ZeroTierNodeState.Failed)
        {
            _state = end;
        }

        _changed.Pulse();
    }

    /// <summary>The native node has ended by itself. Called while the session looks at it, so the closing happens elsewhere.</summary>
    private void Fail(NodeSession session, ZeroTierException error) =>
        _options.Scheduler.Schedule(static state => _ = ((Failure)state!).RunAsync(), new Failure(this, session, error));

    private async Task FailAsync(NodeSession session, ZeroTierException error)
    {
        await NativeLife.Gate.WaitAsync().ConfigureAwait(false);
        try
        {
            if (_session != session)
            {
                return;
            }

            _fatal = error;
            _events.Add(ZeroTierEventCode.NodeFatalError, detail: error.Message);
            await StopCoreAsync(ZeroTierNodeState.Failed).ConfigureAwait(false);
            _state = ZeroTierNodeState.Failed;
        }
        finally
        {
            NativeLife.Gate.Release();
        }

        _changed.Pulse();
    }

    private sealed record Failure(LibztNode Node, NodeSession Session, ZeroTierException Error)
    {
        public Task RunAsync() => Node.FailAsync(Session, Error);
    }
}
