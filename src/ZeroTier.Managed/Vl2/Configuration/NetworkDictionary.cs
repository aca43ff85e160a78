using System.Globalization;

namespace ZeroTier.Managed.Vl2.Configuration;

/// <summary>
/// The format of requests and configurations: text of <c>key=value</c> lines (docs/protocol/3-vl2.md 3.2). Values are arbitrary escaped
/// bytes, so the text is kept as bytes. Each look-up scans the text, which is fast enough for a configuration a minute.
/// </summary>
internal readonly ref struct NetworkDictionary
{
    /// <summary>Longest dictionary in bytes.</summary>
    public const int MaxLength = 512 * 1024;

    private readonly ReadOnlySpan<byte> _text;

    public NetworkDictionary(ReadOnlySpan<byte> text)
    {
        int end = text.IndexOf((byte)0);
        _text = end < 0 ? text : text[..end];
    }

    /// <summary>
    /// The unescaped value of a key; null when there is no such key. Of several lines with the key the first is used.
    /// </summary>
    public byte[]? Find(ReadOnlySpan<byte> key)
    {
        ReadOnlySpan<byte> rest = _text;
        while (!rest.IsEmpty)
        {
            int end = rest.IndexOfAny((byte)'\r', (byte)'\n');
            ReadOnlySpan<byte> line = end < 0 ? rest : rest[..end];
            if (line.Length > key.Length && line.StartsWith(key) && line[key.Length] == '=')
            {
                return Unescape(line[(key.Length + 1)..]);
            }

            rest = end < 0 ? default : rest[(end + 1)..];
        }

        return null;
    }

    /// <summary>The value of a key as a hexadecimal number; the default when the key is missing or its value empty.</summary>
    public ulong GetNumber(ReadOnlySpan<byte> key, ulong defaultValue = 0) =>
        Find(key) is { Length: > 0 } value ? ParseHex(value) : defaultValue;

    /// <summary>True when the value begins with 1, t or T.</summary>
    public bool GetBoolean(ReadOnlySpan<byte> key) => Find(key) is { Length: > 0 } value && value[0] is (byte)'1' or (byte)'t' or (byte)'T';

    private static byte[] Unescape(ReadOnlySpan<byte> value)
    {
        byte[] result = new byte[value.Length];
        int length = 0;
        for (int i = 0; i < value.Length; i++)
        {
            byte b = value[i];
            if (b == '\\')
            {
                // A backslash at the end is ignored.
                if (++i == value.Length)
                {
                    break;
                }

                b = value[i] switch
                {
                    (byte)'r' => (byte)'\r',
                    (byte)'n' => (byte)'\n',
                    (byte)'0' => 0,
                    (byte)'e' => (byte)'=',
                    var other => other,
                };
            }

            result[length++] = b;
        }

        return result[..length];
    }

    // As C's strtoull with base 16: white space, a sign and 0x may precede the digits, and what follows them is ignored.
    private static ulong ParseHex(ReadOnlySpan<byte> text)
    {
        text = text.TrimStart(" \t\n\v\f\r"u8);
        bool negative = text is [(byte)'-', ..];
        text = text is [(byte)'-' or (byte)'+', ..] ? text[1..] : text;
        text = text is [(byte)'0', (byte)'x' or (byte)'X', ..] ? text[2..] : text;
        int digits = text.IndexOfAnyExcept("0123456789abcdefABCDEF"u8);
        text = digits < 0 ? text : text[..digits];
        text = text.TrimStart((byte)'0');
        if (text.Length > 16)
        {
            return ulong.MaxValue;
        }

        ulong number = text.IsEmpty ? 0 : ulong.Parse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
        return negative ? 0 - number : number;
    }
}
