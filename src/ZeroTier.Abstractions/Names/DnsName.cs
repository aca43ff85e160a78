using System.Buffers;

namespace ZeroTier.Names;

/// <summary>Host names on the wire and as text: lower case, without the dot that ends an absolute name.</summary>
internal static class DnsName
{
    /// <summary>Characters of the longest name (RFC 1035, 2.3.4: 255 bytes with all lengths).</summary>
    public const int MaxLength = 253;

    private const int MaxLabelLength = 63;
    private const int MaxEncodedLength = 255;
    private const byte PointerBits = 0xc0;

    // What no host name has: such a name on the wire equals none that is asked for, and is never asked for.
    private const char Odd = '\0';

    private static readonly SearchValues<char> Letters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-_");

    /// <summary>
    /// The form in which names are compared; null for what is no host name. Names in other scripts must be given in their ASCII form
    /// (xn--…).
    /// </summary>
    public static string? Normalize(string text)
    {
        string name = (text.EndsWith('.') ? text[..^1] : text).ToLowerInvariant();
        return name.Length is > 0 and <= MaxLength && Array.TrueForAll(name.Split('.'), IsLabel) ? name : null;
    }

    /// <summary>Whether a name is the domain itself, or inside of it. Both normalized.</summary>
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

    /// <summary>Reads a name, which may be compressed (RFC 1035, 4.1.4), and moves behind it; false when it is damaged.</summary>
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

                // Only ever further to the front, so that no chain is endless.
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
