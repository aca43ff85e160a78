using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Connections;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Connections;

/// <summary>
/// Wraps the engine's pipe reader for received bytes: maps its errors for Kestrel, and can be ended by this side (rules 6.8, 6.10).
/// </summary>
/// <remarks>
/// <paramref name="ended"/> is called before the application sees the end of receiving, so that log messages stay in order, with the error
/// or with null for FIN. It may be called more than once.
/// </remarks>
internal sealed class TransportReader(PipeReader inner, Action<ZeroTierException?> ended) : PipeReader
{
    private static readonly object ByPeer = new();

    // Who ended receiving first: our abort reason, or ByPeer. Only the first counts, so an abort after a FIN does not change what a read
    // returns.
    private object? _end;

    // The buffer that the application holds, to compute how much of it AdvanceTo consumes.
    private ReadOnlySequence<byte> _inHand;
    private long _consumed;

    /// <summary>Bytes that the application has consumed. Any thread.</summary>
    public long Consumed => Volatile.Read(ref _consumed);

    private ConnectionAbortedException? Reason => Volatile.Read(ref _end) as ConnectionAbortedException;

    /// <summary>
    /// Ends receiving from any thread: a pending read and all later ones throw the reason, unless the peer ended it before.
    /// </summary>
    public void End(ConnectionAbortedException reason)
    {
        if (Interlocked.CompareExchange(ref _end, reason, null) is null)
        {
            inner.CancelPendingRead();
        }
    }

    /// <summary>The peer or the engine has ended receiving: reads return what the engine's pipe reports.</summary>
    public void EndByPeer() => Interlocked.CompareExchange(ref _end, ByPeer, null);

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        ThrowIfEnded();
        ValueTask<ReadResult> read;
        try
        {
            read = inner.ReadAsync(cancellationToken);
        }
        catch (ZeroTierException exception)
        {
            throw Translate(exception);
        }

        // Fast path without an async state machine: under load data is usually available. A ValueTask's result may be taken only once.
        if (!read.IsCompletedSuccessfully)
        {
            return AwaitAsync(read);
        }

        var result = read.Result;
        Observe(result);
        return new(result);
    }

    public override bool TryRead(out ReadResult result)
    {
        ThrowIfEnded();
        try
        {
            if (!inner.TryRead(out result))
            {
                return false;
            }

            Observe(result);
            return true;
        }
        catch (ZeroTierException exception)
        {
            throw Translate(exception);
        }
    }

    public override void AdvanceTo(SequencePosition consumed)
    {
        Count(consumed);
        inner.AdvanceTo(consumed);
    }

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        Count(consumed);
        inner.AdvanceTo(consumed, examined);
    }

    public override void CancelPendingRead() => inner.CancelPendingRead();

    public override void Complete(Exception? exception = null) => inner.Complete(exception);

    public override ValueTask CompleteAsync(Exception? exception = null) => inner.CompleteAsync(exception);

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<ReadResult> AwaitAsync(ValueTask<ReadResult> read)
    {
        try
        {
            var result = await read.ConfigureAwait(false);
            Observe(result);
            return result;
        }
        catch (ZeroTierException exception)
        {
            throw Translate(exception);
        }
    }

    // No interlocked addition, since there is one reader at a time. Invalid positions are reported by the inner reader.
    private void Count(SequencePosition consumed)
    {
        var inHand = _inHand;
        _inHand = default;
        if (!inHand.IsEmpty && consumed.GetObject() is not null)
        {
            Volatile.Write(ref _consumed, _consumed + inHand.Slice(inHand.Start, consumed).Length);
        }
    }

    private void Observe(in ReadResult result)
    {
        _inHand = result.Buffer;
        if (result.IsCanceled)
        {
            ThrowIfEnded();
        }

        if (result.IsCompleted)
        {
            ended(null);
        }
    }

    private void ThrowIfEnded()
    {
        if (Reason is { } reason)
        {
            throw new ConnectionAbortedException(reason.Message, reason);
        }
    }

    private Exception Translate(ZeroTierException exception)
    {
        if (Reason is { } reason)
        {
            return new ConnectionAbortedException(reason.Message, reason);
        }

        ended(exception);
        return TransportErrors.Map(exception);
    }
}
