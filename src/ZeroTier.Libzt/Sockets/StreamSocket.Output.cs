using System.Buffers;
using System.IO.Pipelines;
using ZeroTier.Libzt.Native;

namespace ZeroTier.Libzt.Sockets;

internal sealed partial class StreamSocket
{
    // The maximum per send call: libzt builds, encrypts and sends the packets synchronously, on this thread.
    private const int ChunkSize = 64 * 1024;

    // The time in milliseconds after the last send after which data counts as delivered: long enough for an acknowledgement on usual paths.
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

    /// <summary>The application's end of the output pipe.</summary>
    internal PipeWriter Output => _output.Writer;

    internal Task<ZeroTierException?> SendEnded => _sendEnded.Task;

    /// <summary>Whether the socket is in the loop's queue of senders. Set by the loop.</summary>
    internal bool IsSendQueued { get; set; }

    /// <summary>Whether everything written has probably been received, see <see cref="SocketLoop.DrainAsync"/>.</summary>
    internal bool IsDrained => _isOver
        || (_finSentAt != Never ? Loop.Now >= _finSentAt + Loop.Limits.LingerTime : !_isDisposed
            && _isReading
            && Loop.Now >= _lastProgress + QuietTime);

    /// <summary>Ends sending gracefully: FIN follows the bytes that libzt has taken, the rest is dropped.</summary>
    internal void CloseOutput()
    {
        if (!_isOver && !_isOutputDone)
        {
            SendFin();
            Update();
        }
    }

    /// <summary>
    /// Sends up to a chunk of what the application has written, as far as libzt has room. Called by the loop, in turn with other senders.
    /// </summary>
    /// <returns>The number of bytes sent.</returns>
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

    // False when the read is pending. Throws the exception with which the application completed its writer, or one caused by misuse of the
    // pipe.
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

    // Checks the output pipe at disposal. While libzt has no room the pipe is not read, so an error of the application in it would
    // otherwise be noticed only much later.
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
                // The poll may have reported room: count it as spurious.
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
            // No room left: wait for the poll to report it.
            _isBlocked = true;
        }
        else if (isAll && result.IsCompleted)
        {
            SendFin();
        }

        return sent;
    }

    // One call per chunk and not per block: libzt fills segments only within a call, and with TCP_NODELAY the last segment of every call is
    // sent short.
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

    // The application completed its writer with an exception or misused the pipe: reset the connection.
    private void FailOutput(Exception cause)
    {
        // The exceptions that a pipe may throw after concurrent, and so invalid, use.
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
            // An abort is queued for this thread: a FIN before the reset would look like an orderly end.
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

    // Ends sending. Idempotent; the first reason counts.
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

    // After resets and aborts a pending flush reports completion; only a time-out makes it throw.
    private void CompleteOutput()
    {
        if (_isOutputPipeDone)
        {
            return;
        }

        _isOutputPipeDone = true;
        Loop.OpenPipeEnds--;
        End(_output.Reader, _outputError?.Error == ZeroTierError.TimedOut ? _outputError : null);

        // Last, because a continuation may try to write immediately.
        _sendEnded.TrySetResult(_outputError);
    }
}
