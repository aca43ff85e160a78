using ZeroTier.Libzt.Node;

namespace ZeroTier.Libzt;

/// <content>Start, stop, and failure of the native node.</content>
public sealed partial class LibztNode
{
    /// <summary>
    /// Reserves the process' only libzt node for this object before it is started, so that no other object can take it. The reservation is
    /// released by a failed start, by a stop and by <see cref="DisposeAsync"/>.
    /// </summary>
    /// <param name="cancellationToken">Cancels waiting for a start or stop in progress in this process.</param>
    /// <returns>False when another object has it.</returns>
    /// <exception cref="ObjectDisposedException">The node was disposed.</exception>
    public async Task<bool> TryReserveAsync(CancellationToken cancellationToken = default)
    {
        bool reserved = false;
        await _core.ExclusivelyAsync(
            () =>
            {
                _core.ThrowIfDisposed();
                reserved = NativeLifecycle.TryClaim(this);
                return Task.CompletedTask;
            },
            cancellationToken).ConfigureAwait(false);
        return reserved;
    }

    /// <summary>Starts the node. Returns when it runs, not when it is online. Does nothing when it already runs.</summary>
    /// <exception cref="ZeroTierException">
    /// The library, the storage, the identity or the UDP port cannot be used, or another libzt node runs in this process. Everything is
    /// released and the call may be repeated.
    /// </exception>
    public override Task StartAsync(CancellationToken cancellationToken = default) =>
        _core.ExclusivelyAsync(() => BeginAsync(cancellationToken), cancellationToken);

    /// <inheritdoc />
    public override Task StopAsync(CancellationToken cancellationToken = default) =>
        _core.ExclusivelyAsync(() => _core.EndAsync(ZeroTierNodeState.Stopped, CloseAsync), cancellationToken);

    /// <inheritdoc />
    public override Task RestartAsync(CancellationToken cancellationToken = default) => _core.ExclusivelyAsync(
        async () =>
        {
            await _core.EndAsync(ZeroTierNodeState.Stopped, CloseAsync).ConfigureAwait(false);
            await BeginAsync(cancellationToken).ConfigureAwait(false);
        },
        cancellationToken);

    /// <inheritdoc />
    public override async ValueTask DisposeAsync() => await _core.DisposeAsync(CloseAsync, Release).ConfigureAwait(false);

    private void Release()
    {
        NativeLifecycle.Release(this);
        _identity?.Dispose();
    }

    private async Task BeginAsync(CancellationToken cancellationToken)
    {
        _core.ThrowIfDisposed();
        if (State == ZeroTierNodeState.Running)
        {
            return;
        }

        // Leaves the failed state, if the node is in it.
        await _core.EndAsync(ZeroTierNodeState.Stopped, CloseAsync).ConfigureAwait(false);
        NativeLifecycle.Claim(this);
        NodeSession session;
        try
        {
            var library = LibztLibrary.Load(_options.LibraryPath);
            _identity ??= _options.Identity is { } text ? IdentityText.Parse(text) : null;
            session = await NodeSession.StartAsync(
                _options, library, _identity, _core.Joined, _core.Events, _core.Changed, Fail, cancellationToken).ConfigureAwait(false);
            _core.Begin(session, []);
            if (_options.StoragePath is null)
            {
                _identity ??= IdentityText.OfRunningNode();
            }
        }
        catch
        {
            // Ends a session that was recorded; one that failed to start has cleaned up after itself.
            await _core.EndAsync(ZeroTierNodeState.Stopped, CloseAsync).ConfigureAwait(false);
            NativeLifecycle.Release(this);
            throw;
        }

        _core.State = ZeroTierNodeState.Running;
        _core.Events.Publish();
        session.Watch();
        _core.Changed.Pulse();
    }

    private async Task<ZeroTierException?> CloseAsync(NodeSession session)
    {
        try
        {
            return await session.StopAsync().ConfigureAwait(false);
        }
        finally
        {
            NativeLifecycle.Release(this);
        }
    }

    /// <summary>
    /// The native node has terminated. Called from the session's poll, which must not wait, so the session is closed on the scheduler.
    /// </summary>
    private void Fail(NodeSession session, ZeroTierException error) =>
        _options.Scheduler.Schedule(static state => _ = ((Failure)state!).RunAsync(), new Failure(this, session, error));

    private sealed record Failure(LibztNode Node, NodeSession Session, ZeroTierException Error)
    {
        public Task RunAsync() => Node._core.FailAsync(Session, Error, Node.CloseAsync);
    }
}
