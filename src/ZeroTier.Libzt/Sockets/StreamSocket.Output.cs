using System.Buffers;
using System.IO.Pipelines;
using ZeroTier.Libzt.Native;

namespace ZeroTier.Libzt.Sockets;

internal sealed partial class StreamSocket
{
    // At most this much per call: libzt makes, encrypts and sends the packets within it, on this thread.
    private const int ChunkSize = 64 * 1024;

    // Long enough for an acknowledgement on any usable path.
    private const int QuietTime = 250;

    private readonly Pipe _output;
    private readonly TaskCompletionSource<ZeroTierException?> _sendEnded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Action _onRead;
    private ValueTask<ReadResult> _read;
    private ZeroTierException? _outputError;
    private bool _isReading;
    private bool _isOutputDone;
    private bool _isOutputPipeDone;
    private bool _isBlocked;
    private long _lastProgress;
    private long _finSentAt = Never;

    /// <summary>The application's end.</summary>
    internal PipeWriter Output => _output.Writer;

    internal Task<ZeroTierException?> SendEnded => _sendEnded.Task;

    /// <summary>Waits in the loop's queue for its turn to send. Kept by the loop.</summary>
    internal bool IsSendQueued { get; set; }

    /// <summary>As far as one can know, see <see cref="SocketLoop.DrainAsync"/>.</summary>
    internal bool IsDrained => _isOver
        || (_finSentAt != Never ? Loop.Now >= _finSentAt + Loop.Limits.LingerTime : !_isDisposed
            && _isReading
            && Loop.Now >= _lastProgress + QuietTime);

    /// <summary>Ends sending in order: FIN follows what libzt has taken, the rest is dropped.</summary>
    internal void CloseOutput()
    {
        if (!_isOver && !_isOutputDone)
        {
            SendFin();
            Update();
        }
    }

    /// <summary>Sends a chunk of what the application has written, as far as there is room. The loop calls it in turn.</summary>
    /// <returns>Bytes sent.</returns>
    internal int Send()
    {
        int sent = 0;
        while (!_isOutputDone && !_isReading && !_isBlocked && !Connection.IsAborted)
        {
            if (sent >= ChunkSize)
            {
                Loop.EnqueueSend(this);
                break;
            }

            try
            {
                if (!TryRead(out ReadResult result))
                {
                    break;
                }

                sent += Take(result);
            }
            catch (Exception e)
            {
                FailOutput(e);
            }
        }

        Update();
        return sent;
    }

    // False when the read waits. Throws what the application completed its writer with, and when it broke the pipe.
    private bool TryRead(out ReadResult result)
    {
        PipeReader reader = _output.Reader;
        if (reader.TryRead(out result))
        {
            return true;
        }

        ValueTask<ReadResult> read = reader.ReadAsync();
        if (read.IsCompleted)
        {
            result = read.GetAwaiter().GetResult();
            return true;
        }

        _read = read;
        _isReading = true;
        read.GetAwaiter().UnsafeOnCompleted(_onRead);
        return false;
    }

    // While libzt has no room nothing is read, but a pipe that the application broke or abandoned must be noticed now, as nothing else
    // would report it for long.
    private void LookAtOutput()
    {
        if (!_isBlocked || _isReading)
        {
            return;
        }

        try
        {
            if (_output.Reader.TryRead(out ReadResult result))
            {
                _output.Reader.AdvanceTo(result.Buffer.Start);
            }
        }
        catch (Exception e)
        {
            FailOutput(e);
        }
    }

    private int Take(in ReadResult result)
    {
        PipeReader reader = _output.Reader;
        ReadOnlySequence<byte> buffer = result.Buffer;
        if (buffer.IsEmpty)
        {
            reader.AdvanceTo(buffer.End);
            if (result.IsCompleted)
            {
                SendFin();
            }

            return 0;
        }

        ReadOnlySpan<byte> chunk = Gather(buffer);
        int sent = Descriptor!.Send(chunk, out Errno error);
        if (sent < 0)
        {
            reader.AdvanceTo(buffer.Start);
            if (error == Errno.Again)
            {
                // Promised by the poll: not more than a few times in a row.
                Spurious();
                _isBlocked = true;
            }
            else
            {
                Fail(error);
            }

            return 0;
        }

        Progress();
        _lastProgress = Loop.Now;
        Loop.Counters.Sent(sent);
        bool isAll = sent == buffer.Length;
        reader.AdvanceTo(buffer.GetPosition(sent));
        if (sent < chunk.Length)
        {
            // No room: libzt says when there is.
            _isBlocked = true;
        }
        else if (isAll && result.IsCompleted)
        {
            SendFin();
        }

        return sent;
    }

    // One call per chunk, not per block: libzt cuts segments within a call only, and without delay every call's last one leaves short.
    private ReadOnlySpan<byte> Gather(in ReadOnlySequence<byte> buffer)
    {
        ReadOnlySpan<byte> first = buffer.FirstSpan;
        if (first.Length == buffer.Length || first.Length >= ChunkSize)
        {
            return first[..Math.Min(first.Length, ChunkSize)];
        }

        int length = (int)Math.Min(buffer.Length, ChunkSize);
        buffer.Slice(0, length).CopyTo(Loop.Scratch);
        return Loop.Scratch.AsSpan(0, length);
    }

    private void OnRead()
    {
        bool failed = false;
        try
        {
            ReadResult result = _read.GetAwaiter().GetResult();
            _output.Reader.AdvanceTo(result.Buffer.Start);
        }
        catch (Exception e)
        {
            failed = true;
            _isReading = false;
            FailOutput(e);
        }

        _read = default;
        _isReading = false;
        if (_isOutputDone)
        {
            CompleteOutput();
        }
        else if (!failed)
        {
            Loop.EnqueueSend(this);
        }
    }

    // The application completed its writer with an exception, or broke the pipe: a reset is what the other end sees.
    private void FailOutput(Exception cause)
    {
        // A pipe that was used against its rules throws these, whichever of its fields the two uses have left at odds.
        bool isBroken = cause is InvalidOperationException or ArgumentException or NullReferenceException or IndexOutOfRangeException;
        Fault(
            isBroken
                ? "This end failed while writing: either it said so, or the output was used against the rules of a pipe, such as by two "
                    + "writes at once."
                : "This end failed while writing.",
            cause);
    }

    private void SendFin()
    {
        if (Connection.IsAborted)
        {
            // The output was completed after an abort that this thread is about to process: a FIN before the reset would look like an
            // orderly end.
            return;
        }

        Errno error = Descriptor!.ShutdownWrite();
        if (error != Errno.None)
        {
            Fail(error == Errno.NotConnected ? Descriptor.TakeError() : error);
            return;
        }

        _finSentAt = Loop.Now;
        _isBlocked = false;
        _options.Observer.OnFinSent(Connection);
        EndOutput(null);
        FinishIfBothEnded();
    }

    // Nothing more will be sent. Idempotent; the first reason wins.
    private void EndOutput(ZeroTierException? error)
    {
        if (_isOutputDone)
        {
            return;
        }

        _isOutputDone = true;
        _isBlocked = false;
        _outputError = error;
        if (_isReading)
        {
            _output.Reader.CancelPendingRead();
        }
        else
        {
            CompleteOutput();
        }
    }

    // Resets and aborts end a pending write with a completed flush; only a timeout becomes an exception.
    private void CompleteOutput()
    {
        if (_isOutputPipeDone)
        {
            return;
        }

        _isOutputPipeDone = true;
        Loop.OpenPipeEnds--;
        End(_output.Reader, _outputError?.Error == ZeroTierError.TimedOut ? _outputError : null);

        // Last: a continuation may try to write immediately.
        _sendEnded.TrySetResult(_outputError);
    }
}
