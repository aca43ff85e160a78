using System.Buffers;
using System.IO.Pipelines;
using ZeroTier.Libzt.Native;

namespace ZeroTier.Libzt.Sockets;

internal sealed partial class StreamSocket
{
    // Bytes received from one connection per round, so that the others get their turn.
    private const int ReceiveBudget = 1024 * 1024;

    private readonly Pipe _input;
    private readonly TaskCompletionSource<ZeroTierException?> _receiveEnded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Action _onFlushed;
    private ValueTask<FlushResult> _flush;
    private ZeroTierException? _inputError;
    private bool _isFlushing;
    private bool _isInputEnding;
    private bool _isInputDone;

    // The application no longer reads: received bytes are discarded, since unread bytes would turn the close into a reset.
    private bool _isDiscarding;
    private bool _isEof;

    /// <summary>The application's end of the input pipe.</summary>
    internal PipeReader Input => _input.Reader;

    internal Task<ZeroTierException?> ReceiveEnded => _receiveEnded.Task;

    private bool IsReceiving => !_isEof && !_isFlushing && !_isOver;

    // Reads everything that libzt has, usually in one call: its receive queue is short, and segments that do not fit are dropped and
    // retransmitted a second later.
    private void Receive(bool hasError)
    {
        int total = 0;
        bool more;
        do
        {
            byte[] scratch = Loop.Scratch;
            int n = Descriptor!.Receive(scratch, MessageFlags.None, out Errno error);
            more = n == scratch.Length;
            if (n > 0)
            {
                total += n;
                if (!TryDeliver(scratch.AsSpan(0, n)))
                {
                    return;
                }
            }
            else if (total == 0 && n < 0 && error == Errno.Again && !hasError)
            {
                Spurious();
                return;
            }
            else if (n == 0 || error == Errno.NotConnected && !hasError)
            {
                // The end of the stream is reported once as 0, after that as "not connected" (docs/protocol/4-libzt-api.md 8).
                _isEof = true;
            }
            else if (error != Errno.Again || hasError && total == 0)
            {
                if (error is Errno.Again or Errno.NotConnected)
                {
                    error = Descriptor.TakeError();
                }

                if (!IsOrderly(error))
                {
                    FlushInput(total);
                    Fail(error);
                    return;
                }

                _isEof = true;
            }
        }
        while (more && total < ReceiveBudget);

        Progress();
        FlushInput(total);
        if (_isEof)
        {
            OnEof();
        }
    }

    private bool TryDeliver(ReadOnlySpan<byte> data)
    {
        Loop.Counters.Received(data.Length);
        if (_isDiscarding)
        {
            return true;
        }

        try
        {
            _input.Writer.Write(data);
            return true;
        }
        catch (Exception e)
        {
            // The application's memory pool may throw.
            Fault("Received data could not be stored.", e);
            return false;
        }
    }

    // One flush for everything received in the round.
    private void FlushInput(int bytes)
    {
        if (bytes == 0 || _isDiscarding)
        {
            return;
        }

        ValueTask<FlushResult> flush;
        try
        {
            flush = _input.Writer.FlushAsync();
        }
        catch (Exception)
        {
            // As in TakeFlushed: the application completed its reader with an exception.
            _isDiscarding = true;
            return;
        }

        if (flush.IsCompletedSuccessfully)
        {
            _isDiscarding |= flush.Result.IsCompleted;
            return;
        }

        _flush = flush;
        _isFlushing = true;
        _options.Observer.OnPaused(Connection);
        flush.GetAwaiter().UnsafeOnCompleted(_onFlushed);
    }

    // The application has read enough or completed its reader, or EndInput has cancelled the flush.
    private void OnFlushed()
    {
        try
        {
            TakeFlushed();
        }
        catch (Exception e)
        {
            Loop.Fail(this, e);
        }
    }

    private void TakeFlushed()
    {
        try
        {
            _isDiscarding |= _flush.GetAwaiter().GetResult().IsCompleted;
        }
        catch (Exception)
        {
            // The application completed its reader with an exception, which is treated like completing it.
            _isDiscarding = true;
        }

        _flush = default;
        _isFlushing = false;
        if (_isInputEnding)
        {
            CompleteInput(_inputError);
        }
        else if (!_isOver)
        {
            _options.Observer.OnResumed(Connection);
        }

        if (_isEof && !_isInputDone)
        {
            OnEof();
        }

        if (IsReceiving)
        {
            // More has probably arrived in the meantime; read without waiting for a poll.
            Receive(_isClosedBehind);
        }

        FinishIfBothEnded();
        Update();
    }

    private void OnEof()
    {
        if (_isFlushing)
        {
            // Deferred until the application has read the pending bytes.
            return;
        }

        _options.Observer.OnFinReceived(Connection);
        EndInput(null);
        FinishIfBothEnded();
    }

    // Ends receiving: nothing more is delivered. Idempotent; the first reason counts.
    private void EndInput(ZeroTierException? error)
    {
        if (_isInputDone || _isInputEnding)
        {
            return;
        }

        _isDiscarding = true;
        if (_isFlushing)
        {
            _isInputEnding = true;
            _inputError = error;
            _input.Writer.CancelPendingFlush();
        }
        else
        {
            CompleteInput(error);
        }
    }

    private void CompleteInput(ZeroTierException? error)
    {
        _isInputEnding = false;
        _isInputDone = true;
        Loop.OpenPipeEnds--;
        End(_input.Writer, error);
        _receiveEnded.TrySetResult(error);
    }
}
