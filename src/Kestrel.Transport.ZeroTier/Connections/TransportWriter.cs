using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Connections;

/// <summary>
/// The application's end of bytes to send: the engine's pipe, where a lost connection reads as "completed". The reader tells why; a flush that threw would
/// only make Kestrel log an error for each client that goes away (rule 6.7).
/// </summary>
internal sealed class TransportWriter(PipeWriter inner) : PipeWriter
{
    private static readonly FlushResult Completed = new(isCanceled: false, isCompleted: true);

    public override bool CanGetUnflushedBytes => inner.CanGetUnflushedBytes;

    public override long UnflushedBytes => inner.UnflushedBytes;

    public override void Advance(int bytes) => inner.Advance(bytes);

    public override Memory<byte> GetMemory(int sizeHint = 0) => inner.GetMemory(sizeHint);

    public override Span<byte> GetSpan(int sizeHint = 0) => inner.GetSpan(sizeHint);

    public override void CancelPendingFlush() => inner.CancelPendingFlush();

    public override void Complete(Exception? exception = null) => inner.Complete(exception);

    public override ValueTask CompleteAsync(Exception? exception = null) => inner.CompleteAsync(exception);

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            var flush = inner.FlushAsync(cancellationToken);
            return flush.IsCompletedSuccessfully ? flush : AwaitAsync(flush);
        }
        catch (ZeroTierException)
        {
            return new(Completed);
        }
    }

    public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default)
    {
        try
        {
            var flush = inner.WriteAsync(source, cancellationToken);
            return flush.IsCompletedSuccessfully ? flush : AwaitAsync(flush);
        }
        catch (ZeroTierException)
        {
            return new(Completed);
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private static async ValueTask<FlushResult> AwaitAsync(ValueTask<FlushResult> flush)
    {
        try
        {
            return await flush.ConfigureAwait(false);
        }
        catch (ZeroTierException)
        {
            return Completed;
        }
    }
}
