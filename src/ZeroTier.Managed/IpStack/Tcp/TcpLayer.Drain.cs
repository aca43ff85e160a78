namespace ZeroTier.Managed.IpStack.Tcp;

internal sealed partial class TcpLayer
{
    private readonly Lock _drainGate = new();
    private List<TaskCompletionSource>? _drainWaiters;

    /// <summary>Completes when every byte that applications wrote is acknowledged, or its connection has ended.</summary>
    public async Task DrainAsync(CancellationToken cancellationToken = default)
    {
        var waiter = new TaskCompletionSource();
        lock (_drainGate)
        {
            (_drainWaiters ??= []).Add(waiter);
        }

        OnProgress();
        using CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(
            static (state, token) => ((TaskCompletionSource)state!).TrySetCanceled(token), waiter);
        await waiter.Task.ConfigureAwait(false);
    }

    /// <summary>Completes waiters if all connections are drained. Called after each batch; cheap while nobody waits.</summary>
    internal void OnProgress()
    {
        if (Volatile.Read(ref _drainWaiters) is null)
        {
            return;
        }

        foreach (KeyValuePair<ConnectionKey, TcpSocket> entry in _sockets)
        {
            if (!entry.Value.IsDrained)
            {
                return;
            }
        }

        List<TaskCompletionSource>? waiters;
        lock (_drainGate)
        {
            waiters = _drainWaiters;
            _drainWaiters = null;
        }

        foreach (TaskCompletionSource waiter in waiters ?? [])
        {
            Options.Scheduler.Schedule(static state => ((TaskCompletionSource)state!).TrySetResult(), waiter);
        }
    }
}
