namespace ZeroTier.Managed.Crypto;

/// <summary>
/// Decoder of a raw LZ4 block (docs/protocol/1-identity-and-crypto.md 1.16). Reads and writes only inside the given spans, whatever the
/// input.
/// </summary>
internal static class Lz4Block
{
    private const int MinimumMatch = 4;

    /// <summary>
    /// Decodes the whole of <paramref name="source"/>. False when the block is malformed, decodes to nothing or does not fit;
    /// the content of <paramref name="destination"/> is then undefined.
    /// </summary>
    public static bool TryDecode(ReadOnlySpan<byte> source, Span<byte> destination, out int written)
    {
        written = 0;
        int read = 0;
        int output = 0;
        while (read < source.Length)
        {
            int token = source[read++];

            if (!TryReadLength(source, ref read, token >> 4, destination.Length, out int literals) ||
                literals > source.Length - read || literals > destination.Length - output)
            {
                return false;
            }

            source.Slice(read, literals).CopyTo(destination[output..]);
            read += literals;
            output += literals;
            if (read == source.Length)
            {
                // The last sequence has only literals, and the input ends exactly behind them.
                written = output;
                return output > 0;
            }

            if (source.Length - read < 2)
            {
                return false;
            }

            int offset = source[read] | source[read + 1] << 8;
            read += 2;
            if (offset == 0 || offset > output || !TryReadLength(source, ref read, token & 15, destination.Length, out int match))
            {
                return false;
            }

            match += MinimumMatch;
            if (match > destination.Length - output)
            {
                return false;
            }

            CopyMatch(destination, output, offset, match);
            output += match;
        }

        return false;
    }

    // A length of 15 continues in further bytes, up to the first that is not 255. Fails above the limit, so that it cannot overflow.
    private static bool TryReadLength(ReadOnlySpan<byte> source, ref int read, int start, int limit, out int length)
    {
        length = start;
        if (start != 15)
        {
            return true;
        }

        while (read < source.Length)
        {
            byte next = source[read++];
            length += next;
            if (length > limit)
            {
                return false;
            }

            if (next != 255)
            {
                return true;
            }
        }

        return false;
    }

    // A match may overlap its own output: each round copies the bytes that exist already, so that the copied length doubles.
    private static void CopyMatch(Span<byte> destination, int output, int offset, int length)
    {
        int from = output - offset;
        while (length > 0)
        {
            int count = Math.Min(length, output - from);
            destination.Slice(from, count).CopyTo(destination[output..]);
            output += count;
            length -= count;
        }
    }
}
