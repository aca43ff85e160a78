using ZeroTier.Controller.Members;
using ZeroTier.Managed;

namespace ZeroTier.Controller;

/// <content>What other processes on the same store do: one at a time has the lease, all see each other's changes.</content>
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
                await using (lease.ConfigureAwait(false))
                {
                    await TakeTurnAsync(_end.Token).ConfigureAwait(false);
                    _clock.Begin(lease);
                    _lease = lease;
                    ReleaseTurn();
                    ControllerLog.LeaseAcquired(_log);
                    await EndOfAsync(lease.Lost, _end.Token).ConfigureAwait(false);
                    _lease = null;
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
                _lease = null;
                ControllerLog.StoreFailed(_log, e);
                await DelayAsync().ConfigureAwait(false);
            }
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

    // Somebody else has written it: what is older than what is known comes from the time of the load, or is our own.
    private async ValueTask FollowAsync(StoreChange change)
    {
        NetworkState? network = _networks.GetValueOrDefault(change.NetworkId);
        switch (change)
        {
            case NetworkWrite write when network is null || network.Record.Revision < write.Network.Revision:
                Commit(write.Network);
                break;
            case NetworkRemoval when network is not null:
                await CommitRemovalAsync(network).ConfigureAwait(false);
                break;
            case MemberWrite write when network is not null && (network.Members.GetValueOrDefault(write.Member.Node)?.Record.Revision ?? 0) < write.Member.Revision:
                await CommitAsync(network, write.Member).ConfigureAwait(false);
                break;
            case MemberRemoval removal when network?.Members.GetValueOrDefault(removal.Node) is { } member:
                await CommitRemovalAsync(member).ConfigureAwait(false);
                break;
        }
    }

    private static async Task EndOfAsync(CancellationToken first, CancellationToken second)
    {
        var ended = new TaskCompletionSource();
        await using (first.Register(() => ended.TrySetResult()).ConfigureAwait(false))
        await using (second.Register(() => ended.TrySetResult()).ConfigureAwait(false))
        {
            await ended.Task.ConfigureAwait(false);
        }
    }

    private async Task DelayAsync() =>
        await Task.Delay(RetryDelay, _time, _end.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
}
