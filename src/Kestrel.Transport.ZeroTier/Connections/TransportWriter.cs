using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Connections;

/// <summary>
/// The application's end of bytes to send: the engine's pipe, where a lost connection reads as "completed". The reader tells why; a flush that threw would
/// only make Kestrel log an error for each client that goes away (rule 6.7).
/// </summary>
/// <remarks>
/// A flush says "completed" only when <paramref name="closedCallbacksRan"/> has ended and what these callbacks have queued had its turn. A handler that writes
/// until its request is aborted looks at nothing else: told at once, it would write again at once, and a few such handlers hold every thread of the pool, so
/// that none is left to tell them of the abort. Callbacks that wait for a flush themselves are not waited for without end.
/// <para><paramref name="failed"/> hears of an application that ends its output with an error, and ends the connection.</para>
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

    // As a pipe takes it, the first word is the last: what was completed is sent whole, whatever comes after.
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
        // There is room in the busy case: no state machine then. A result may be taken only once.
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

        // Kestrel's callback queues the abort of the request. This goes to the end of the same queue, whatever context the caller has.
        var turn = new TaskCompletionSource();
        ThreadPool.UnsafeQueueUserWorkItem(static turn => turn.SetResult(), turn, preferLocal: false);
        await turn.Task.ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
        return result;
    }
}
