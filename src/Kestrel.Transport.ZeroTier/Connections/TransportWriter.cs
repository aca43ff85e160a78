using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Connections;

/// <summary>
/// Bytes to send: wraps the engine's pipe writer. On a lost connection a flush reports completion, and the reader throws the reason; a flush that threw would
/// make Kestrel log an error for every client that disconnects (rule 6.7).
/// </summary>
/// <remarks>
/// A flush reports completion only after <paramref name="closedCallbacksRan"/> has completed and the work that these callbacks queued has run. A handler that
/// writes until its request is aborted ignores completed flushes: a few such handlers would spin on every pool thread, and none would be left to run the abort.
/// The wait is bounded, because a callback may itself wait for a flush.
/// <para><paramref name="failed"/> is called when the application ends its output with an error; it resets the connection.</para>
/// </remarks>
internal sealed class TransportWriter(PipeWriter inner, Task closedCallbacksRan, Action<Exception> failed) : PipeWriter
{
    private static readonly FlushResult Completed = new(isCanceled: false, isCompleted: true);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private bool _completed;

    public override bool CanGetUnflushedBytes => inner.CanGetUnflushedBytes;

    public override long UnflushedBytes => inner.UnflushedBytes;

    public override void Advance(int bytes) => inner.Advance(bytes);

    public override Memory<byte> GetMemory(int sizeHint = 0) => inner.GetMemory(sizeHint);

    public override Span<byte> GetSpan(int sizeHint = 0) => inner.GetSpan(sizeHint);

    public override void CancelPendingFlush() => inner.CancelPendingFlush();

    public override void Complete(Exception? exception = null)
    {
        NoteEnd(exception);
        inner.Complete();
    }

    public override ValueTask CompleteAsync(Exception? exception = null)
    {
        NoteEnd(exception);
        return inner.CompleteAsync();
    }

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            return Observe(inner.FlushAsync(cancellationToken), cancellationToken);
        }
        catch (ZeroTierException)
        {
            return EndAsync(Completed, cancellationToken);
        }
    }

    public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default)
    {
        try
        {
            return Observe(inner.WriteAsync(source, cancellationToken), cancellationToken);
        }
        catch (ZeroTierException)
        {
            return EndAsync(Completed, cancellationToken);
        }
    }

    // As in Pipe, only the first Complete counts; later calls are ignored.
    private void NoteEnd(Exception? exception)
    {
        if (!Interlocked.Exchange(ref _completed, true) && exception is not null)
        {
            failed(exception);
        }
    }

    private static bool IsEnd(in FlushResult result) => result is { IsCompleted: true, IsCanceled: false };

    private ValueTask<FlushResult> Observe(ValueTask<FlushResult> flush, CancellationToken cancellationToken)
    {
        // Under load there is usually room: avoids the state machine. A ValueTask's result may be taken only once.
        if (!flush.IsCompletedSuccessfully)
        {
            return AwaitAsync(flush, cancellationToken);
        }

        var result = flush.Result;
        return IsEnd(result) ? EndAsync(result, cancellationToken) : new(result);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<FlushResult> AwaitAsync(ValueTask<FlushResult> flush, CancellationToken cancellationToken)
    {
        FlushResult result;
        try
        {
            result = await flush.ConfigureAwait(false);
        }
        catch (ZeroTierException)
        {
            result = Completed;
        }

        return IsEnd(result) ? await EndAsync(result, cancellationToken).ConfigureAwait(false) : result;
    }

    private async ValueTask<FlushResult> EndAsync(FlushResult result, CancellationToken cancellationToken)
    {
        await closedCallbacksRan.WaitAsync(Patience, TimeProvider.System, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

        // Kestrel's callback queues the abort of the request; this waits at the end of the same queue, without the caller's context.
        var turn = new TaskCompletionSource();
        ThreadPool.UnsafeQueueUserWorkItem(static turn => turn.SetResult(), turn, preferLocal: false);
        await turn.Task.ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
        return result;
    }
}
