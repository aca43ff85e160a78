using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace ZeroTier.Managed.IpStack.Tcp;

internal sealed partial class TcpSocket
{
    private readonly Action _onFlushed;
    private Pipe? _input;
    private ValueTask<FlushResult> _flush;

    // A thread is inside a call of the input pipe's writer, which is not thread-safe.
    private bool _inputBusy;
    private bool _flushWaits;
    private bool _unflushed;
    private bool _inputDone;

    private enum InputStep
    {
        Flush,
        Complete,
    }

    private void OpenPipes()
    {
        _connection.Unread = new MeteredPool(_options.Input.Pool, _layer.Budget);
        _unsent = new MeteredPool(_options.Output.Pool, _layer.Budget);
        _input = new Pipe(Metered(_options.Input, _connection.Unread));
        _output = new Pipe(Metered(_options.Output, _unsent));
    }

    private static PipeOptions Metered(PipeOptions options, MeteredPool pool) => new(
        pool,
        options.ReaderScheduler,
        options.WriterScheduler,
        options.PauseWriterThreshold,
        options.ResumeWriterThreshold,
        options.MinimumSegmentSize,
        options.UseSynchronizationContext);

    // Makes received data visible to the application, with one flush per batch, and completes the input pipe at the end.
    private void DrainInput()
    {
        while (TryBeginInput(out InputStep step, out TcpException? error))
        {
            if (step == InputStep.Complete)
            {
                CompleteInput(error);
                return;
            }

            ValueTask<FlushResult> flush;
            try
            {
                flush = _input!.Writer.FlushAsync();
            }
            catch (Exception)
            {
                // The application completed its reader with an exception, as in OnFlushed.
                EndFlush(new FlushResult(isCanceled: false, isCompleted: true));
                continue;
            }

            if (flush.IsCompletedSuccessfully)
            {
                EndFlush(flush.Result);
                continue;
            }

            lock (_gate)
            {
                _flush = flush;
                _flushWaits = true;
                _inputBusy = false;
                _connection.Pause();
            }

            _options.Observer?.OnPaused(this);

            // May call back immediately, on this or another thread.
            flush.GetAwaiter().UnsafeOnCompleted(_onFlushed);
        }
    }

    private bool TryBeginInput(out InputStep step, out TcpException? error)
    {
        lock (_gate)
        {
            step = default;
            error = _connection.Error;
            if (_input is null || _inputBusy || _inputDone)
            {
                return false;
            }

            if (error is null && !_disposed && _connection.HasUndelivered)
            {
                try
                {
                    _unflushed |= _connection.Deliver(_input.Writer) > 0;
                }
                catch (Exception e)
                {
                    _connection.Abort(new TcpException(TcpError.ConnectionAborted, "Received data could not be stored.", e));
                    error = _connection.Error;
                }
            }

            // While a flush is pending, the FIN waits like the data before it, so that the order of events is kept.
            if (error is not null || _disposed || _connection.State == TcpState.Closed || (_connection.IsFinReceived && !_flushWaits))
            {
                step = InputStep.Complete;
            }
            else if (!_unflushed || _flushWaits)
            {
                return false;
            }

            _unflushed = false;
            _inputBusy = true;
            return true;
        }
    }

    private void CompleteInput(TcpException? error)
    {
        bool fin;
        lock (_gate)
        {
            fin = _connection.IsFinReceived;
            _inputDone = true;
            _connection.DiscardInput();
        }

        if (error is null && fin)
        {
            _options.Observer?.OnFinReceived(this);
        }

        End(_input!.Writer, Translate(error));
        Complete(_receiveEnded, error);
    }

    private void EndFlush(FlushResult result)
    {
        lock (_gate)
        {
            _inputBusy = false;
            if (result.IsCompleted && !_connection.DiscardsInput)
            {
                // The application has completed its reader: discard what is still received.
                _connection.DiscardInput();
            }
        }
    }

    private void OnFlushed()
    {
        FlushResult result = default;
        try
        {
            result = _flush.GetAwaiter().GetResult();
        }
        catch (Exception)
        {
            // The application completed its reader with an exception: treated as completed.
            result = new FlushResult(isCanceled: false, isCompleted: true);
        }

        lock (_gate)
        {
            _flush = default;
            _flushWaits = false;
            _connection.Resume();
            if (result.IsCompleted)
            {
                _connection.DiscardInput();
            }
        }

        _options.Observer?.OnResumed(this);
        RunPendingNow();
    }
}
