using System.IO.Pipelines;

namespace ZeroTier.Engines;

/// <summary>Wakes those who wait for a change of the node's state. Thread-safe.</summary>
internal sealed class StateSignal(PipeScheduler scheduler)
{
    private TaskCompletionSource _next = new();

    /// <summary>Ends at the next pulse. Take it before looking at the state, so that no change is missed.</summary>
    public Task Next => Volatile.Read(ref _next).Task;

    /// <summary>Something changed. Call it without locks: waiters may run at once.</summary>
    public void Pulse() =>
        scheduler.Schedule(
            static state => ((TaskCompletionSource)state!).TrySetResult(), Interlocked.Exchange(ref _next, new TaskCompletionSource()));
}
