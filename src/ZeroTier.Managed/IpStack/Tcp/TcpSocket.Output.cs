using System.Buffers;
using System.IO.Pipelines;

namespace ZeroTier.Managed.IpStack.Tcp;

internal sealed partial class TcpSocket
{
    // Free space in the send buffer from which on the output pipe is read.
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
    /// Ends sending, from any thread: FIN follows what has been taken from the output pipe; what is still in the pipe is dropped.
    /// Idempotent; no effect after the end of the connection.
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

    // Moves what the application has written to the send buffer, as far as there is space, and transmits.
    private void DrainOutput(in TcpLayer.TransmissionBatch batch)
    {
        lock (_gate)
        {
            // Without free space nothing is read, unless the connection has ended or is being closed: then the pipe must be completed now,
            // since no later event would do it.
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

    // False when the read is pending; OnRead continues it. Throws the exception with which the application completed its writer, and any
    // that misuse of the pipe causes.
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

    // False when reading must stop: no free space, or the end. Throws when the application has misused the pipe.
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
            // Before Close, because it throws when the pipe was misused: written data may then be missing, and a FIN would tell the peer
            // that it has received everything.
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
            // Without free space this thread stops; acknowledgements that free some continue in DrainOutput.
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

    // The application completed its writer with an exception, or misused the pipe: resets the connection.
    private void FailOutput(Exception cause)
    {
        // Concurrent calls leave the pipe's fields inconsistent; depending on which, it throws one of these.
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

        // After a reset or an abort, a pending flush of the application returns as completed; only a timeout makes it throw.
        End(_output!.Reader, error?.Error == TcpError.TimedOut ? Translate(error) : null);
        Complete(_sendEnded, error);
        _layer.OnProgress();
    }
}
