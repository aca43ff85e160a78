using System.Buffers;
using System.IO.Pipelines;
using System.Text;

namespace ZeroTier.Service.AspNetCore.Connections;

/// <summary>
/// The received bytes of a connection, with a Host header inserted into the first request if it has none. Later requests, and anything that
/// is not an HTTP/1.1 request, pass unchanged; the server handles errors in them.
/// </summary>
internal sealed class MissingHostStream(PipeReader inner) : Stream
{
    // More than the server accepts by default. A longer request head passes unchanged.
    private const int MaxHeadLength = 64 * 1024;

    private static readonly byte[] Host = "Host: localhost\r\n"u8.ToArray();

    private bool _isPassed;

    // Bytes to return before the rest: the request line, followed by the inserted header.
    private ReadOnlyMemory<byte> _inserted;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (!_isPassed)
        {
            await ReadHeadAsync(cancellationToken).ConfigureAwait(false);
            _isPassed = true;
        }

        if (_inserted.Length > 0)
        {
            int length = Math.Min(buffer.Length, _inserted.Length);
            _inserted[..length].CopyTo(buffer);
            _inserted = _inserted[length..];
            return length;
        }

        ReadResult read = await inner.ReadAsync(cancellationToken).ConfigureAwait(false);
        ReadOnlySequence<byte> taken = read.Buffer.Slice(0, Math.Min(buffer.Length, read.Buffer.Length));
        taken.CopyTo(buffer.Span);
        inner.AdvanceTo(taken.End);
        return (int)taken.Length;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Flush()
    {
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Complete();
        }

        base.Dispose(disposing);
    }

    private async ValueTask ReadHeadAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            ReadResult read = await inner.ReadAsync(cancellationToken).ConfigureAwait(false);
            ReadOnlySequence<byte> received = read.Buffer;
            if (HeadIn(received) is { } head)
            {
                long line = HasHost(head) ? 0 : RequestLineLength(head);
                if (line > 0)
                {
                    _inserted = (byte[])[.. received.Slice(0, line).ToArray(), .. Host];
                }

                inner.AdvanceTo(received.GetPosition(line));
                return;
            }

            if (read.IsCompleted || received.Length > MaxHeadLength)
            {
                inner.AdvanceTo(received.Start);
                return;
            }

            inner.AdvanceTo(received.Start, received.End);
        }
    }

    // The request head up to the empty line; null while that has not been received.
    private static ReadOnlySequence<byte>? HeadIn(ReadOnlySequence<byte> received)
    {
        var reader = new SequenceReader<byte>(received);
        return reader.TryReadTo(out ReadOnlySequence<byte> head, "\r\n\r\n"u8) ? received.Slice(0, head.Length + 2) : null;
    }

    private static bool HasHost(ReadOnlySequence<byte> head)
    {
        var reader = new SequenceReader<byte>(head);
        while (reader.TryReadTo(out ReadOnlySpan<byte> line, "\r\n"u8))
        {
            if (line.Length >= 5 && line[4] == ':' && Ascii.EqualsIgnoreCase(line[..4], "host"u8))
            {
                return true;
            }
        }

        return false;
    }

    // 0 for other protocols, such as HTTP/2, whose preface looks like a request.
    private static long RequestLineLength(ReadOnlySequence<byte> head)
    {
        var reader = new SequenceReader<byte>(head);
        return reader.TryReadTo(out ReadOnlySpan<byte> line, "\r\n"u8) && line.EndsWith(" HTTP/1.1"u8) ? line.Length + 2 : 0;
    }
}
