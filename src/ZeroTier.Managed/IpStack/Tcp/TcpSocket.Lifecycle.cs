namespace ZeroTier.Managed.IpStack.Tcp;

/// <content>Tells the layer, the listener and the application that the connection is established or has ended.</content>
internal sealed partial class TcpSocket
{
    /// <summary>Aborts the connect attempt because its caller has cancelled it.</summary>
    internal void CancelConnect(CancellationToken cancellationToken)
    {
        if (_connected!.TrySetCanceled(cancellationToken))
        {
            Abort();
        }
    }

    private void AnnounceEstablished()
    {
        lock (_gate)
        {
            if (_established || !_connection.IsEstablished)
            {
                return;
            }

            _established = true;
            OpenPipes();
        }

        _layer.CountEstablished(1);
        if (_listener is not null)
        {
            _listener.OnEstablished(this);
        }
        else
        {
            _layer.Statistics.Add(TcpCounter.ConnectionsOpened);
            _layer.Options.Scheduler.Schedule(
                static state =>
                {
                    var socket = (TcpSocket)state!;
                    if (!socket._connected!.TrySetResult(socket))
                    {
                        // The connect was cancelled, so no application will get the socket: its received data is released as well.
                        socket.Abort();
                        socket.Dispose();
                    }
                },
                this);
        }
    }

    private void AnnounceEnd(long now)
    {
        TcpException? error;
        bool resetReceived;
        bool isForgotten;
        TimeWaitEntry? timeWait;
        lock (_gate)
        {
            if (_ended || _connection.State is not (TcpState.Closed or TcpState.TimeWait))
            {
                return;
            }

            _ended = true;
            error = _connection.Error;
            resetReceived = _connection.IsResetReceived;
            isForgotten = resetReceived && _isWitness && _connection.IsProbeUnanswered;
            timeWait = _connection.State == TcpState.TimeWait ? _connection.ToTimeWait() : null;
        }

        if (timeWait is { } entry)
        {
            _layer.AddTimeWait(Key, entry, now);
        }

        _layer.Remove(this);
        if (!_established)
        {
            _layer.Statistics.Add(TcpCounter.ConnectionsFailed);
            _listener?.OnHalfOpenEnded(this);
            _layer.Options.Scheduler.Schedule(
                static state =>
                {
                    var socket = (TcpSocket)state!;
                    socket._connected?.TrySetException(
                        socket._connection.Error ?? new TcpException(TcpError.ConnectionAborted, "The attempt to connect was given up."));
                },
                this);
            return;
        }

        _layer.CountEstablished(-1);
        if (resetReceived)
        {
            _layer.Statistics.Add(TcpCounter.ResetsReceived);
            _options.Observer?.OnResetReceived(this);
        }
        else if (error is not null)
        {
            _options.Observer?.OnResetSent(this, error);
        }

        // Wakes a pending read of the output pipe and a pending flush of the input pipe.
        _output!.Reader.CancelPendingRead();
        _input!.Writer.CancelPendingFlush();
        if (isForgotten)
        {
            _layer.OnPeerForgot(RemoteMac);
        }
    }

    // The exception with which the pipes are completed.
    private Exception? Translate(TcpException? error) =>
        error is not null && _options.TranslateError is { } translate ? translate(error) : error;

    private void Complete(TaskCompletionSource<TcpException?> source, TcpException? error) =>
        _layer.Options.Scheduler.Schedule(
            static state =>
            {
                var (source, error) = ((TaskCompletionSource<TcpException?>, TcpException?))state!;
                source.TrySetResult(error);
            },
            (source, error));
}
