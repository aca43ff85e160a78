using System.Buffers;

namespace ZeroTier.Names;

/// <summary>Encodes and decodes host names. In text form they are in lower case, without the trailing dot of an absolute name.</summary>
internal static class DnsName
{
    /// <summary>The longest name in characters (RFC 1035, 2.3.4: 255 bytes including the length bytes).</summary>
    public const int MaxLength = 253;

    private const int MaxLabelLength = 63;
    private const int MaxEncodedLength = 255;
    private const byte PointerBits = 0xc0;

    // Stands for any character that is not permitted in host names. Normalized names never contain it, so a name with it never equals a
    // queried name and is never queried.
    private const char Odd = '\0';

    private static readonly SearchValues<char> Letters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-_");

    /// <summary>
    /// The normalized form, in which names are compared; null when the text is not a host name. Internationalized names must be given in
    /// their ASCII form (xn--…).
    /// </summary>
    public static string? Normalize(string text)
    {
        string name = (text.EndsWith('.') ? text[..^1] : text).ToLowerInvariant();
        return name.Length is > 0 and <= MaxLength && Array.TrueForAll(name.Split('.'), IsLabel) ? name : null;
    }

    /// <summary>Whether a name is the domain itself or in it. Both must be normalized.</summary>
    public static bool IsIn(string name, string domain) =>
        name.EndsWith(domain, StringComparison.Ordinal) && (name.Length == domain.Length || name[^(domain.Length + 1)] == '.');

    /// <summary>Writes a normalized name; at most <see cref="MaxLength"/> + 2 bytes.</summary>
    public static int Write(string name, Span<byte> destination)
    {
        int at = 0;
        foreach (string label in name.Split('.'))
        {
            destination[at++] = (byte)label.Length;
            foreach (char c in label)
            {
                destination[at++] = (byte)c;
            }
        }

        destination[at++] = 0;
        return at;
    }

    /// <summary>
    /// Reads a name, which may be compressed (RFC 1035, 4.1.4), and advances the offset past it; false when it is malformed.
    /// </summary>
    public static bool TryRead(ReadOnlySpan<byte> message, ref int offset, out string name)
    {
        name = "";
        Span<char> text = stackalloc char[MaxEncodedLength];
        int length = 0, at = offset, end = -1, limit = offset;
        while (true)
        {
            if (at >= message.Length)
            {
                return false;
            }

            byte head = message[at++];
            if (head == 0)
            {
                break;
            }

            if ((head & PointerBits) == PointerBits)
            {
                if (at >= message.Length)
                {
                    return false;
                }

                // Pointers must point further to the front each time, so that there are no loops.
                int target = (head & ~PointerBits) << 8 | message[at++];
                if (target >= limit)
                {
                    return false;
                }

                end = end < 0 ? at : end;
                at = limit = target;
                continue;
            }

            if (head > MaxLabelLength || message.Length - at < head || length + head + 1 > MaxEncodedLength)
            {
                return false;
            }

            if (length > 0)
            {
                text[length++] = '.';
            }

            foreach (byte b in message.Slice(at, head))
            {
                char c = char.ToLowerInvariant((char)b);
                text[length++] = Letters.Contains(c) ? c : Odd;
            }

            at += head;
        }

        offset = end < 0 ? at : end;
        name = new string(text[..length]);
        return true;
    }

    private static bool IsLabel(string label) => label.Length is > 0 and <= MaxLabelLength && label.AsSpan().IndexOfAnyExcept(Letters) < 0;
}
