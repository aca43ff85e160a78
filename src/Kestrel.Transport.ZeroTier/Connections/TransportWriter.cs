using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Connections;

/// <summary>
/// Wraps the engine's pipe writer for bytes to send. On a lost connection a flush reports completion and the reader throws the reason: if
/// flushes threw, Kestrel would log an error for every client that disconnects (rule 6.7).
/// </summary>
/// <remarks>
/// After <see cref="BeginClose"/>, or when it would report completion, a flush waits until <paramref name="closedCallbacksRan"/> has
/// completed and the work that these callbacks queued has begun. A handler that writes until its request is aborted ignores completed
/// flushes: a few such handlers would spin on every pool thread, and none would be left to run the abort. The wait is bounded, because a
/// callback may itself wait for a flush.
/// <para><paramref name="failed"/> is called when the application ends its output with an error; it resets the connection.</para>
/// </remarks>
internal sealed class TransportWriter(PipeWriter inner, Task closedCallbacksRan, Action<Exception> failed) : PipeWriter
{
    private static readonly FlushResult Completed = new(isCanceled: false, isCompleted: true);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    // Completes when the application waits in a flush or has completed its output: it then writes nothing until the callbacks have run.
    private readonly TaskCompletionSource _parked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _closing;
    private bool _completed;
    private long _written;

    /// <summary>Bytes that the application has written. Any thread.</summary>
    public long Written => Volatile.Read(ref _written);

    /// <summary>Announces that the connection is ending and that the callbacks that inform the application are about to run.</summary>
    /// <returns>Completes when the application is not in the middle of writing.</returns>
    public Task BeginClose()
    {
        _closing = true;
        return _parked.Task;
    }

    public override bool CanGetUnflushedBytes => inner.CanGetUnflushedBytes;

    public override long UnflushedBytes => inner.UnflushedBytes;

    public override void Advance(int bytes)
    {
        inner.Advance(bytes);
        Count(bytes);
    }

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
        Count(source.Length);
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
        _parked.TrySetResult();
        if (!Interlocked.Exchange(ref _completed, true) && exception is not null)
        {
            failed(exception);
        }
    }

    private bool MustWait(in FlushResult result) =>
        !result.IsCanceled && (result.IsCompleted || _closing && !closedCallbacksRan.IsCompleted);

    private ValueTask<FlushResult> Observe(ValueTask<FlushResult> flush, CancellationToken cancellationToken)
    {
        // Fast path without an async state machine: under load there is usually room. A ValueTask's result may be taken only once.
        if (!flush.IsCompletedSuccessfully)
        {
            return AwaitAsync(flush, cancellationToken);
        }

        var result = flush.Result;
        return MustWait(result) ? EndAsync(result, cancellationToken) : new(result);
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

        return MustWait(result) ? await EndAsync(result, cancellationToken).ConfigureAwait(false) : result;
    }

    private async ValueTask<FlushResult> EndAsync(FlushResult result, CancellationToken cancellationToken)
    {
        _parked.TrySetResult();
        await closedCallbacksRan.WaitAsync(
            Patience, TimeProvider.System, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

        // Kestrel's callback queued the abort of the request on the thread pool; wait for a work item queued behind it.
        var turn = new TaskCompletionSource();
        ThreadPool.UnsafeQueueUserWorkItem(static turn => turn.SetResult(), turn, preferLocal: false);
        await turn.Task.ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
        return result;
    }

    // No interlocked addition, since there is one writer at a time.
    private void Count(int bytes) => Volatile.Write(ref _written, _written + bytes);
}
