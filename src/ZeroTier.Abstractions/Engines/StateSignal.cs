using System.IO.Pipelines;

namespace ZeroTier.Engines;

/// <summary>Wakes all waiters for a change of the node's state. Thread-safe.</summary>
internal sealed class StateSignal(PipeScheduler scheduler)
{
    private TaskCompletionSource _next = new();

    /// <summary>Completes at the next pulse. Take it before reading the state, so that no change is missed.</summary>
    public Task Next => Volatile.Read(ref _next).Task;

    /// <summary>Signals a change. Must not be called under locks: with an inline scheduler, waiters run here.</summary>
    public void Pulse() =>
        scheduler.Schedule(
            static state => ((TaskCompletionSource)state!).TrySetResult(), Interlocked.Exchange(ref _next, new TaskCompletionSource()));
}
