using ZeroTier.Controller.Members;
using ZeroTier.Managed;

namespace ZeroTier.Controller;

/// <content>Coordination with other processes on the same store: one at a time holds the lease, and all follow each other's
/// changes.</content>
public sealed partial class NetworkController
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);

    private async Task KeepLeaseAsync()
    {
        while (!_end.IsCancellationRequested)
        {
            try
            {
                IControllerLease lease = await _store.AcquireAsync(_end.Token).ConfigureAwait(false);
                try
                {
                    await BeginAsync(lease).ConfigureAwait(false);
                    ControllerLog.LeaseAcquired(_log);
                    await EndOfAsync(lease.Lost, _end.Token).ConfigureAwait(false);
                }
                finally
                {
                    await GiveBackAsync(lease).ConfigureAwait(false);
                }

                if (!_end.IsCancellationRequested)
                {
                    ControllerLog.LeaseLost(_log);
                }
            }
            catch (Exception e) when (_end.IsCancellationRequested && e is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
            catch (Exception e)
            {
                ControllerLog.StoreFailed(_log, e);
                await DelayAsync().ConfigureAwait(false);
            }
        }
    }

    private async Task BeginAsync(IControllerLease lease)
    {
        await TakeTurnAsync(_end.Token).ConfigureAwait(false);
        try
        {
            _clock.Begin(lease);
            foreach (NetworkState network in _networks.Values)
            {
                network.Revocations.Restart();
            }

            _lease = lease;
        }
        finally
        {
            ReleaseTurn();
        }
    }

    // Takes the turn, because its holder may be using the lease. Not cancellable: DisposeAsync waits for this.
    private async Task GiveBackAsync(IControllerLease lease)
    {
        await _turn.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        try
        {
            _lease = null;
            await lease.DisposeAsync().ConfigureAwait(false);
        }
        finally
        {
            ReleaseTurn();
        }
    }

    private async Task WatchAsync()
    {
        while (!_end.IsCancellationRequested)
        {
            try
            {
                await foreach (StoreChange change in _store.WatchAsync(_end.Token).ConfigureAwait(false))
                {
                    await TakeTurnAsync(_end.Token).ConfigureAwait(false);
                    try
                    {
                        await FollowAsync(change).ConfigureAwait(false);
                    }
                    finally
                    {
                        ReleaseTurn();
                    }
                }

                return;
            }
            catch (Exception e) when (_end.IsCancellationRequested && e is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
            catch (Exception e)
            {
                ControllerLog.WatchFailed(_log, e);
                await DelayAsync().ConfigureAwait(false);
            }
        }
    }

    // Applies a change reported by the store. Changes not newer than the state in memory are ignored: they are our own, or were already
    // loaded.
    private async ValueTask FollowAsync(StoreChange change)
    {
        NetworkState? network = _networks.GetValueOrDefault(change.NetworkId);
        switch (change)
        {
            case NetworkWrite write when network is null || network.Record.Revision < write.Network.Revision:
                Commit(write.Network);
                break;
            case NetworkRemoval removal when network is not null && network.Record.Revision <= removal.ExpectedRevision:
                await CommitRemovalAsync(network).ConfigureAwait(false);
                break;
            case MemberWrite write
                when network is not null
                    && (network.Members.GetValueOrDefault(write.Member.Node)?.Record.Revision ?? 0) < write.Member.Revision:
                await CommitAsync(network, write.Member).ConfigureAwait(false);
                break;
            case MemberRemoval removal when network?.Members.GetValueOrDefault(removal.Node) is { } member &&
                member.Record.Revision <= removal.ExpectedRevision:
                await CommitRemovalAsync(member).ConfigureAwait(false);
                break;
        }
    }

    // Completes when one of the tokens is cancelled. Continues on the scheduler, because the store may cancel while it holds its own locks.
    private async Task EndOfAsync(CancellationToken first, CancellationToken second)
    {
        var ended = new TaskCompletionSource();
        await using (first.Register(End).ConfigureAwait(false))
        await using (second.Register(End).ConfigureAwait(false))
        {
            await ended.Task.ConfigureAwait(false);
        }

        void End() => _options.Scheduler.Schedule(static ended => ((TaskCompletionSource)ended!).TrySetResult(), ended);
    }

    private async Task DelayAsync() =>
        await Task.Delay(RetryDelay, _time, _end.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
}
