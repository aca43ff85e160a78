using System.Buffers;
using System.IO.Pipelines;

namespace ZeroTier.Managed.IpStack.Tcp;

internal sealed partial class TcpSocket
{
    // Free space from which on more output is taken.
    private const int MinRoom = 16 * 1024;

    private readonly Action _onRead;
    private Pipe? _output;
    private MeteredPool? _unsent;
    private ValueTask<ReadResult> _read;
    private bool _outputBusy;
    private bool _outputWaits;
    private bool _outputDone;
    private bool _outputClosing;

    /// <summary>
    /// Ends sending in order from any thread: FIN follows what has been taken from the pipe, the rest is dropped. Idempotent; nothing after
    /// the end.
    /// </summary>
    public void CloseOutput()
    {
        lock (_gate)
        {
            if (_output is null || _outputDone || _outputClosing)
            {
                return;
            }

            _outputClosing = true;
        }

        // A pending read returns; otherwise the active thread sees the flag when it loops.
        _output.Reader.CancelPendingRead();
        RunPendingNow();
    }

    // Takes what the application has written as far as there is room, and sends it at once.
    private void DrainOutput(in TcpLayer.TransmissionBatch batch)
    {
        lock (_gate)
        {
            // Without room nothing is taken, but a pipe that the application broke or abandoned must be noticed now, as nothing else would
            // report it for long.
            bool looks = IsOver || _outputClosing || _disposed || _connection.SendRoom >= MinRoom;
            if (_output is null || _outputBusy || _outputWaits || _outputDone || !looks)
            {
                return;
            }

            _outputBusy = true;
        }

        try
        {
            while (TryRead(out ReadResult result) && Take(result, batch))
            {
            }
        }
        catch (Exception e)
        {
            FailOutput(e);
        }
    }

    private bool IsOver => _connection.State is TcpState.Closed or TcpState.TimeWait;

    // False when the read waits. Throws what the application completed its writer with, and when it broke the pipe.
    private bool TryRead(out ReadResult result)
    {
        PipeReader reader = _output!.Reader;
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

        lock (_gate)
        {
            _read = read;
            _outputWaits = true;
            _outputBusy = false;
        }

        // May call back immediately, on this or another thread.
        read.GetAwaiter().UnsafeOnCompleted(_onRead);
        return false;
    }

    // False when there is nothing to go on with now. Throws when the application broke the pipe.
    private bool Take(in ReadResult result, in TcpLayer.TransmissionBatch batch)
    {
        PipeReader reader = _output!.Reader;
        bool over;
        bool fin = false;
        bool last = false;
        SequencePosition taken = result.Buffer.Start;
        lock (_gate)
        {
            over = IsOver;
            if (!over && _outputClosing)
            {
                fin = true;
                _connection.Close(batch.Now);
            }
            else if (!over)
            {
                long room = Math.Min(result.Buffer.Length, _connection.SendRoom);
                taken = result.Buffer.GetPosition(room);
                _connection.Append(result.Buffer.Slice(0, taken), batch.Now);
                last = result.IsCompleted && room == result.Buffer.Length;
            }
        }

        if (last)
        {
            // First, because it throws when the pipe was broken: data written after that is lost, and a FIN would tell the peer that it has
            // everything.
            reader.AdvanceTo(taken);
            fin = true;
            lock (_gate)
            {
                _connection.Close(batch.Now);
            }
        }

        if (over || fin)
        {
            EndOutput(over ? _connection.Error : null, fin);
            Transmit(batch);
            return false;
        }

        Transmit(batch);
        reader.AdvanceTo(taken);
        lock (_gate)
        {
            // Acknowledgements go on from here when there is no room.
            _outputBusy = IsOver || _outputClosing || _connection.SendRoom >= MinRoom;
            return _outputBusy;
        }
    }

    private void OnRead()
    {
        TcpLayer.TransmissionBatch batch = _layer.BeginBatch();
        try
        {
            TakeAwaited(batch);
            RunPending(batch);
        }
        finally
        {
            batch.Packets.Send();
            EndBatch(batch);
        }
    }

    private void TakeAwaited(in TcpLayer.TransmissionBatch batch)
    {
        try
        {
            ReadResult result = _read.GetAwaiter().GetResult();
            lock (_gate)
            {
                _read = default;
                _outputWaits = false;
                _outputBusy = true;
            }

            while (Take(result, batch) && TryRead(out result))
            {
            }
        }
        catch (Exception e)
        {
            FailOutput(e);
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
        EndOutput(_connection.Error, fin: false);
    }

    private void EndOutput(TcpException? error, bool fin)
    {
        lock (_gate)
        {
            _outputWaits = false;
            _outputBusy = false;
            _outputDone = true;
        }

        if (fin)
        {
            _options.Observer?.OnFinSent(this);
        }

        // Resets and aborts end a pending write with a completed flush; only a timeout becomes an exception.
        End(_output!.Reader, error?.Error == TcpError.TimedOut ? Translate(error) : null);
        Complete(_sendEnded, error);
        _layer.OnProgress();
    }
}
