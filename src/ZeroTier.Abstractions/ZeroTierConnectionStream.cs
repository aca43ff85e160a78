using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace ZeroTier;

/// <summary>A connection as a <see cref="Stream"/>, for what does not know pipes: <c>HttpClient</c>, <c>SslStream</c>. One reader and one writer at a time.</summary>
/// <remarks>
/// Disposing the stream gives the connection up: what was written is still delivered. Writing to a connection that has ended throws the
/// <see cref="ZeroTierException"/> that says why.
/// </remarks>
public sealed class ZeroTierConnectionStream : Stream
{
    private readonly ZeroTierConnection _connection;
    private readonly Stream _input;

    /// <summary>Wraps a connection, which the stream owns from then on.</summary>
    public ZeroTierConnectionStream(ZeroTierConnection connection)
    {
        ArgumentNullException.ThrowIfNull(connection);
        _connection = connection;
        _input = connection.Input.AsStream(leaveOpen: true);
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
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        Ended(_connection.Output.WriteAsync(buffer, cancellationToken), cancellationToken);

    /// <inheritdoc />
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc />
    public override Task FlushAsync(CancellationToken cancellationToken) => Ended(_connection.Output.FlushAsync(cancellationToken), cancellationToken).AsTask();

    /// <inheritdoc />
    public override Task CopyToAsync(Stream destination, int bufferSize, CancellationToken cancellationToken) => _connection.Input.CopyToAsync(destination, cancellationToken);

    /// <summary>Does nothing: every write is handed on at once.</summary>
    public override void Flush()
    {
    }

    /// <summary>Blocks the thread; prefer the asynchronous form.</summary>
    public override int Read(byte[] buffer, int offset, int count) => _input.Read(buffer, offset, count);

    /// <summary>Blocks the thread; prefer the asynchronous form.</summary>
    public override void Write(byte[] buffer, int offset, int count) =>
        WriteAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();

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

    // A pipe that nobody reads any more takes bytes for ever and says so in its result only, which users of streams do not see.
    private ValueTask Ended(ValueTask<FlushResult> flush, CancellationToken cancellationToken)
    {
        if (!flush.IsCompletedSuccessfully)
        {
            return AwaitAsync(flush, cancellationToken);
        }

        // A result may be taken only once.
        var result = flush.Result;
        return result is { IsCompleted: false, IsCanceled: false } ? default : CheckAsync(result, cancellationToken);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask AwaitAsync(ValueTask<FlushResult> flush, CancellationToken cancellationToken) =>
        await CheckAsync(await flush.ConfigureAwait(false), cancellationToken).ConfigureAwait(false);

    private async ValueTask CheckAsync(FlushResult result, CancellationToken cancellationToken)
    {
        if (result.IsCanceled)
        {
            throw new OperationCanceledException(cancellationToken);
        }

        if (result.IsCompleted)
        {
            throw await _connection.SendEnded.ConfigureAwait(false)
                ?? new ZeroTierException(ZeroTierError.ConnectionAborted, "The connection takes no more data: this end has finished sending.");
        }
    }
}
