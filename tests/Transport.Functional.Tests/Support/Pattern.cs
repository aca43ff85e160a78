using System.Net;
using System.Security.Cryptography;

namespace Transport.Functional.Tests.Support;

/// <summary>Bytes that both ends can make and hash without keeping them.</summary>
internal static class Pattern
{
    // The pattern repeats after a number of bytes that no buffer size is a divisor of.
    private const int Period = 65_521;

    private static readonly byte[] s_twice = [.. Enumerable.Range(0, 2 * Period).Select(i => (byte)(i % Period * 31 >> 3))];

    public static void Fill(Span<byte> span, long offset)
    {
        while (!span.IsEmpty)
        {
            var part = s_twice.AsSpan((int)(offset % Period), Math.Min(span.Length, Period));
            part.CopyTo(span);
            span = span[part.Length..];
            offset += part.Length;
        }
    }

    public static byte[] Bytes(int length)
    {
        byte[] bytes = new byte[length];
        Fill(bytes, 0);
        return bytes;
    }

    public static string Hash(long length)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[64 * 1024];
        for (long offset = 0; offset < length; offset += buffer.Length)
        {
            var part = buffer.AsSpan(0, (int)Math.Min(buffer.Length, length - offset));
            Fill(part, offset);
            hash.AppendData(part);
        }

        return Convert.ToHexString(hash.GetHashAndReset());
    }

    public static async Task<string> HashAsync(Stream stream, CancellationToken cancellationToken = default) =>
        Convert.ToHexString(await SHA256.HashDataAsync(stream, cancellationToken));

    public static async Task WriteAsync(Stream stream, long length, CancellationToken cancellationToken = default)
    {
        byte[] buffer = new byte[64 * 1024];
        for (long offset = 0; offset < length; offset += buffer.Length)
        {
            int part = (int)Math.Min(buffer.Length, length - offset);
            Fill(buffer.AsSpan(0, part), offset);
            await stream.WriteAsync(buffer.AsMemory(0, part), cancellationToken);
        }
    }

    /// <summary>A request body, with or without a length.</summary>
    public sealed class Content(long length, bool chunked = false) : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => WriteAsync(stream, length);

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken) =>
            WriteAsync(stream, length, cancellationToken);

        protected override bool TryComputeLength(out long computed)
        {
            computed = length;
            return !chunked;
        }
    }
}
