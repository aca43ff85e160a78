using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;

namespace ZeroTier.Controller.Names;

/// <summary>DNS messages on a TCP connection: each preceded by its length in two bytes (RFC 1035, 4.2.2; RFC 7766, 8).</summary>
internal static class DnsStream
{
    /// <summary>Reads the next complete message; null at the end of the stream, and for a message longer than any valid query.</summary>
    public static async ValueTask<byte[]?> ReadAsync(PipeReader input, CancellationToken cancellationToken)
    {
        int needed = sizeof(ushort);
        while (true)
        {
            ReadResult read = await input.ReadAtLeastAsync(needed, cancellationToken).ConfigureAwait(false);
            if (read.Buffer.Length < needed)
            {
                return null;
            }

            int length = sizeof(ushort) + LengthOf(read.Buffer);
            if (length > DnsQuery.MaxDatagram)
            {
                return null;
            }

            if (read.Buffer.Length >= length)
            {
                byte[] message = read.Buffer.Slice(sizeof(ushort), length - sizeof(ushort)).ToArray();
                input.AdvanceTo(read.Buffer.GetPosition(length));
                return message;
            }

            needed = length;
            input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    /// <summary>Writes a message, with length and content in one write (RFC 7766, 8).</summary>
    public static async ValueTask WriteAsync(PipeWriter output, ReadOnlyMemory<byte> message, CancellationToken cancellationToken)
    {
        Memory<byte> buffer = output.GetMemory(sizeof(ushort) + message.Length);
        BinaryPrimitives.WriteUInt16BigEndian(buffer.Span, (ushort)message.Length);
        message.CopyTo(buffer[sizeof(ushort)..]);
        output.Advance(sizeof(ushort) + message.Length);
        await output.FlushAsync(cancellationToken).ConfigureAwait(false);
    }

    private static int LengthOf(ReadOnlySequence<byte> buffer)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ushort)];
        buffer.Slice(0, sizeof(ushort)).CopyTo(bytes);
        return BinaryPrimitives.ReadUInt16BigEndian(bytes);
    }
}
