using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace ZeroTier;

/// <summary>
/// A connection as a <see cref="Stream"/>, for APIs that do not use pipes: <c>HttpClient</c>, <c>SslStream</c>. It behaves like
/// <see cref="System.Net.Sockets.NetworkStream"/>: reads and writes may run at the same time; concurrent reads, or concurrent writes, are
/// executed one after the other.
/// </summary>
/// <remarks>
/// Disposing the stream releases the connection: what was written is still delivered, pending reads and writes end at once with an
/// <see cref="IOException"/>, and later ones throw <see cref="ObjectDisposedException"/>. After a lost connection, calls throw the
/// <see cref="ZeroTierException"/> that says why.
/// </remarks>
public sealed class ZeroTierConnectionStream : Stream
{
    // A long write is passed to the pipe in pieces, so that it is not copied as a whole and does not continue after the stream is disposed.
    private const int Piece = 64 * 1024;

    private readonly ZeroTierConnection _connection;
    private readonly SemaphoreSlim _readTurn = new(1, 1);
    private readonly SemaphoreSlim _writeTurn = new(1, 1);
    private int _readTimeout = Timeout.Infinite;
    private int _writeTimeout = Timeout.Infinite;
    private bool _disposed;

    /// <summary>Wraps a connection, which the stream owns from then on: nothing else may use its pipes.</summary>
    public ZeroTierConnectionStream(ZeroTierConnection connection)
    {
        ArgumentNullException.ThrowIfNull(connection);
        _connection = connection;
    }

    /// <summary>True until the stream is disposed.</summary>
    public override bool CanRead => !IsDisposed;

    /// <summary>True until the stream is disposed.</summary>
    public override bool CanWrite => !IsDisposed;

    /// <inheritdoc />
    public override bool CanSeek => false;

    /// <inheritdoc />
    public override bool CanTimeout => true;

    /// <summary>
    /// Milliseconds that a blocking read waits, 1 or more, or <see cref="Timeout.Infinite"/>, the default. Asynchronous reads use their
    /// cancellation token instead.
    /// </summary>
    public override int ReadTimeout
    {
        get => _readTimeout;
        set => _readTimeout = CheckTimeout(value);
    }

    /// <summary>
    /// Milliseconds that a blocking write waits, 1 or more, or <see cref="Timeout.Infinite"/>, the default. Asynchronous writes use their
    /// cancellation token instead.
    /// </summary>
    public override int WriteTimeout
    {
        get => _writeTimeout;
        set => _writeTimeout = CheckTimeout(value);
    }

    /// <inheritdoc />
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc />
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    private bool IsDisposed => Volatile.Read(ref _disposed);

    /// <summary>Reads available bytes; with an empty buffer it waits until data is available and consumes nothing.</summary>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(IsDisposed, this);
        return ReadInTurnAsync(buffer, cancellationToken);
    }

    /// <inheritdoc />
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        ValidateBufferArguments(buffer, offset, count);
        return ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    }

    /// <inheritdoc />
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(IsDisposed, this);
        return WriteInTurnAsync(buffer, cancellationToken);
    }

    /// <inheritdoc />
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        ValidateBufferArguments(buffer, offset, count);
        return WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    }

    /// <inheritdoc />
    public override async Task CopyToAsync(Stream destination, int bufferSize, CancellationToken cancellationToken)
    {
        ValidateCopyToArguments(destination, bufferSize);
        ObjectDisposedException.ThrowIf(IsDisposed, this);
        await _readTurn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await _connection.Input.CopyToAsync(destination, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (IsDisposed && e is InvalidOperationException or OperationCanceledException)
        {
            throw Disposed(e);
        }
        finally
        {
            _readTurn.Release();
        }
    }

    /// <summary>Does nothing: every write is passed to the engine at once.</summary>
    public override void Flush()
    {
    }

    /// <summary>Does nothing: every write is passed to the engine at once.</summary>
    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Blocks the thread; prefer the asynchronous form.</summary>
    public override int Read(byte[] buffer, int offset, int count)
    {
        ValidateBufferArguments(buffer, offset, count);
        using var timeout = Limit(_readTimeout);
        try
        {
            return ReadAsync(buffer.AsMemory(offset, count), timeout?.Token ?? default).AsTask().GetAwaiter().GetResult();
        }
        catch (OperationCanceledException e) when (timeout is { IsCancellationRequested: true })
        {
            throw new ZeroTierException(ZeroTierError.TimedOut, $"Nothing came within the read timeout of {_readTimeout} ms.", e);
        }
    }

    /// <summary>Blocks the thread; prefer the asynchronous form.</summary>
    public override void Write(byte[] buffer, int offset, int count)
    {
        ValidateBufferArguments(buffer, offset, count);
        using var timeout = Limit(_writeTimeout);
        try
        {
            WriteAsync(buffer.AsMemory(offset, count), timeout?.Token ?? default).AsTask().GetAwaiter().GetResult();
        }
        catch (OperationCanceledException e) when (timeout is { IsCancellationRequested: true })
        {
            throw new ZeroTierException(
                ZeroTierError.TimedOut, $"The other end took too little within the write timeout of {_writeTimeout} ms.", e);
        }
    }

    /// <inheritdoc />
    public override IAsyncResult BeginRead(byte[] buffer, int offset, int count, AsyncCallback? callback, object? state) =>
        TaskToAsyncResult.Begin(ReadAsync(buffer, offset, count, CancellationToken.None), callback, state);

    /// <inheritdoc />
    public override int EndRead(IAsyncResult asyncResult) => TaskToAsyncResult.End<int>(asyncResult);

    /// <inheritdoc />
    public override IAsyncResult BeginWrite(byte[] buffer, int offset, int count, AsyncCallback? callback, object? state) =>
        TaskToAsyncResult.Begin(WriteAsync(buffer, offset, count, CancellationToken.None), callback, state);

    /// <inheritdoc />
    public override void EndWrite(IAsyncResult asyncResult) => TaskToAsyncResult.End(asyncResult);

    /// <inheritdoc />
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc />
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc />
    public override async ValueTask DisposeAsync()
    {
        await EndAsync().ConfigureAwait(false);
        await base.DisposeAsync().ConfigureAwait(false);
    }

    /// <inheritdoc />
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            // Never waits for the peer and never throws, so there is nothing to await.
            _ = EndAsync().AsTask();
        }

        base.Dispose(disposing);
    }

    private static int CheckTimeout(int milliseconds) => milliseconds is > 0 or Timeout.Infinite
        ? milliseconds
        : throw new ArgumentOutOfRangeException(nameof(milliseconds), milliseconds, "A timeout is 1 ms or more, or Timeout.Infinite.");

    private static CancellationTokenSource? Limit(int milliseconds) => milliseconds == Timeout.Infinite
        ? null
        : new CancellationTokenSource(TimeSpan.FromMilliseconds(milliseconds), TimeProvider.System);

    private ValueTask EndAsync()
    {
        if (Interlocked.Exchange(ref _disposed, true))
        {
            return default;
        }

        // Pending calls are cancelled here; calls that have just begun see _disposed, or a completed pipe.
        _connection.Input.CancelPendingRead();
        _connection.Output.CancelPendingFlush();
        return _connection.DisposeAsync();
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> ReadInTurnAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        await _readTurn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ThrowIfDisposedMeanwhile();
            return Take(await _connection.Input.ReadAsync(cancellationToken).ConfigureAwait(false), buffer, cancellationToken);
        }
        catch (InvalidOperationException e)
        {
            throw Ended(e);
        }
        finally
        {
            _readTurn.Release();
        }
    }

    private int Take(in ReadResult result, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        // After disposal the pipe's blocks may already be back in the pool.
        ThrowIfDisposedMeanwhile();
        var taken = result.Buffer.Start;
        try
        {
            if (result.IsCanceled)
            {
                throw new OperationCanceledException(cancellationToken);
            }

            int count = (int)Math.Min(result.Buffer.Length, buffer.Length);
            var data = result.Buffer.Slice(0, count);
            data.CopyTo(buffer.Span);
            taken = data.End;
            return count;
        }
        finally
        {
            _connection.Input.AdvanceTo(taken);
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask WriteInTurnAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken)
    {
        await _writeTurn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ThrowIfDisposedMeanwhile();
            do
            {
                var piece = buffer[..Math.Min(buffer.Length, Piece)];
                buffer = buffer[piece.Length..];
                var result = await _connection.Output.WriteAsync(piece, cancellationToken).ConfigureAwait(false);
                if (result.IsCanceled)
                {
                    throw IsDisposed ? Disposed() : new OperationCanceledException(cancellationToken);
                }

                if (result.IsCompleted)
                {
                    // A pipe whose reader has completed accepts any number of bytes and reports this only in the flush result, which stream
                    // callers do not see.
                    throw IsDisposed ? Disposed() : await _connection.SendEnded.ConfigureAwait(false)
                        ?? new ZeroTierException(
                            ZeroTierError.ConnectionAborted, "The connection takes no more data: this end has finished sending.");
                }
            }
            while (buffer.Length > 0);
        }
        catch (InvalidOperationException e)
        {
            throw Ended(e);
        }
        finally
        {
            _writeTurn.Release();
        }
    }

    private void ThrowIfDisposedMeanwhile()
    {
        if (IsDisposed)
        {
            throw Disposed();
        }
    }

    // Pipes throw InvalidOperationException when they are completed or used concurrently.
    private ZeroTierException Ended(InvalidOperationException cause) => IsDisposed
        ? Disposed(cause)
        : new ZeroTierException(
            ZeroTierError.ConnectionAborted,
            "The connection was disposed, or its pipes are used beside the stream, which owns them.",
            cause);

    private static ZeroTierException Disposed(Exception? cause = null) =>
        new(ZeroTierError.ConnectionAborted, "The stream was disposed while it was read from, or written to.", cause);
}
