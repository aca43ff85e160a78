namespace ZeroTier;

/// <summary>A connection as a <see cref="Stream"/>, for what does not know pipes: <c>HttpClient</c>, <c>SslStream</c>. One reader and one writer at a time.</summary>
/// <remarks>Disposing the stream gives the connection up: what was written is still delivered.</remarks>
public sealed class ZeroTierConnectionStream : Stream
{
    private readonly ZeroTierConnection _connection;
    private readonly Stream _input;
    private readonly Stream _output;

    /// <summary>Wraps a connection, which the stream owns from then on.</summary>
    public ZeroTierConnectionStream(ZeroTierConnection connection)
    {
        ArgumentNullException.ThrowIfNull(connection);
        _connection = connection;
        _input = connection.Input.AsStream(leaveOpen: true);
        _output = connection.Output.AsStream(leaveOpen: true);
    }

    /// <inheritdoc />
    public override bool CanRead => true;

    /// <inheritdoc />
    public override bool CanWrite => true;

    /// <inheritdoc />
    public override bool CanSeek => false;

    /// <inheritdoc />
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc />
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <inheritdoc />
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => _input.ReadAsync(buffer, cancellationToken);

    /// <inheritdoc />
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        _input.ReadAsync(buffer, offset, count, cancellationToken);

    /// <inheritdoc />
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => _output.WriteAsync(buffer, cancellationToken);

    /// <inheritdoc />
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        _output.WriteAsync(buffer, offset, count, cancellationToken);

    /// <inheritdoc />
    public override Task FlushAsync(CancellationToken cancellationToken) => _output.FlushAsync(cancellationToken);

    /// <inheritdoc />
    public override Task CopyToAsync(Stream destination, int bufferSize, CancellationToken cancellationToken) => _connection.Input.CopyToAsync(destination, cancellationToken);

    /// <summary>Does nothing: every write is handed on at once.</summary>
    public override void Flush()
    {
    }

    /// <summary>Blocks the thread; prefer the asynchronous form.</summary>
    public override int Read(byte[] buffer, int offset, int count) => _input.Read(buffer, offset, count);

    /// <summary>Blocks the thread; prefer the asynchronous form.</summary>
    public override void Write(byte[] buffer, int offset, int count) => _output.Write(buffer, offset, count);

    /// <inheritdoc />
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc />
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc />
    public override async ValueTask DisposeAsync()
    {
        await _connection.DisposeAsync().ConfigureAwait(false);
        await base.DisposeAsync().ConfigureAwait(false);
    }

    /// <inheritdoc />
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            // Never waits for the peer and never throws, so there is nothing to await.
            _ = _connection.DisposeAsync().AsTask();
        }

        base.Dispose(disposing);
    }
}
