using System.Buffers;
using System.IO.Pipelines;

namespace ZeroTier.Managed.Datagrams.TcpRelay;

/// <summary>
/// A TCP connection that carries datagrams; used by the client and by the relay. The send queue is bounded: datagrams beyond it are lost,
/// as on any path that is too slow. Sending is thread-safe.
/// </summary>
internal sealed class RelayConnection : IDisposable
{
    /// <summary>Most bytes in the send queue (docs/protocol/2-vl1.md 2.22).</summary>
    public const int MaxWaiting = 64 * 1024;

    private readonly Stream _stream;
    private readonly Lock _sending = new();

    // Without a pause threshold, so that a flush never waits: the limit is checked before anything is written.
    private readonly Pipe _outgoing = new(new PipeOptions(pauseWriterThreshold: 0, useSynchronizationContext: false));
    private readonly byte[] _body = new byte[RelayFrame.MaxBody];
    private long _waiting;
    private bool _completed;

    public RelayConnection(Stream stream) => _stream = stream;

    /// <summary>Handles a record's body. The span may be modified and is valid only during the call.</summary>
    public delegate void BodyHandler(Span<byte> body);

    /// <summary>Sends a complete record.</summary>
    public void SendRecord(ReadOnlySpan<byte> record)
    {
        lock (_sending)
        {
            if (!_completed)
            {
                Write(record);
                Flush();
            }
        }
    }

    /// <summary>Sends one datagram.</summary>
    /// <returns>False when it is lost: the queue is full, or the connection has ended.</returns>
    public bool TrySend(in InetEndPoint address, ReadOnlySpan<byte> datagram)
    {
        lock (_sending)
        {
            if (_completed || datagram.Length > RelayFrame.MaxBody - RelayFrame.MaxOverhead
                || Interlocked.Read(ref _waiting) + datagram.Length + RelayFrame.MaxOverhead > MaxWaiting)
            {
                return false;
            }

            Span<byte> head = stackalloc byte[RelayFrame.MaxOverhead];
            Write(head[..RelayFrame.WriteHead(head, address, datagram.Length)]);
            Write(datagram);
            Flush();
            return true;
        }
    }

    /// <summary>Sends and receives records until the other end closes, the connection fails, or the token is cancelled.</summary>
    /// <param name="handler">Handles the body of each record; an exception that it throws ends the connection.</param>
    /// <param name="afterBatch">Called when all records that had arrived have been handled.</param>
    /// <param name="cancellationToken">Ends the connection.</param>
    /// <exception cref="IOException">The connection has failed.</exception>
    /// <exception cref="InvalidDataException">The other end does not speak the protocol.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public async Task RunAsync(BodyHandler handler, Action afterBatch, CancellationToken cancellationToken)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var sending = SendAsync(ended.Token);
        try
        {
            await ReceiveAsync(handler, afterBatch, ended.Token).ConfigureAwait(false);
        }
        finally
        {
            await ended.CancelAsync().ConfigureAwait(false);
            await sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    public void Dispose()
    {
        lock (_sending)
        {
            _completed = true;
            _outgoing.Writer.Complete();
        }

        _stream.Dispose();
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        _outgoing.Writer.Write(bytes);
        Interlocked.Add(ref _waiting, bytes.Length);
    }

    private void Flush()
    {
        var flush = _outgoing.Writer.FlushAsync();
        _completed = flush.IsCompleted && flush.GetAwaiter().GetResult().IsCompleted;
    }

    private async Task SendAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                ReadResult read = await _outgoing.Reader.ReadAsync(cancellationToken).ConfigureAwait(false);
                foreach (ReadOnlyMemory<byte> part in read.Buffer)
                {
                    await _stream.WriteAsync(part, cancellationToken).ConfigureAwait(false);
                    Interlocked.Add(ref _waiting, -part.Length);
                }

                _outgoing.Reader.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted)
                {
                    return;
                }
            }
        }
        finally
        {
            await _outgoing.Reader.CompleteAsync().ConfigureAwait(false);
        }
    }

    private async Task ReceiveAsync(BodyHandler handler, Action afterBatch, CancellationToken cancellationToken)
    {
        var reader = PipeReader.Create(_stream, new StreamPipeReaderOptions(bufferSize: 16 * 1024, leaveOpen: true));
        try
        {
            while (true)
            {
                ReadResult read = await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
                ReadOnlySequence<byte> arrived = read.Buffer;
                while (RelayFrame.TryTake(ref arrived, out var body))
                {
                    body.CopyTo(_body);
                    handler(_body.AsSpan(0, (int)body.Length));
                }

                afterBatch();
                reader.AdvanceTo(arrived.Start, arrived.End);
                if (read.IsCompleted)
                {
                    return;
                }
            }
        }
        finally
        {
            await reader.CompleteAsync().ConfigureAwait(false);
        }
    }
}
