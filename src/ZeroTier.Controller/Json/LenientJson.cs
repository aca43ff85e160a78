using System.Globalization;
using System.Text.Json;

namespace ZeroTier.Controller.Json;

/// <summary>
/// Reads JSON as ZeroTierOne's HTTP API does (docs/protocol/5-http-api.md 5.3): a value of another type is converted, and one that cannot
/// be converted counts as missing. A missing key and a wrong type give the same result; where <c>null</c> has a meaning of its own, check
/// <see cref="Member"/> first.
/// </summary>
internal static class LenientJson
{
    /// <summary>
    /// The value of a key, the last one if the key occurs more than once; null when it is missing or the element is not an object.
    /// </summary>
    public static JsonElement? Member(this JsonElement element, string key) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(key, out JsonElement value) ? value : null;

    /// <summary>An integer member.</summary>
    public static ulong Integer(this JsonElement element, string key, ulong missing = 0) =>
        element.Member(key)?.ToInteger(missing) ?? missing;

    /// <summary>A boolean member.</summary>
    public static bool Boolean(this JsonElement element, string key, bool missing = false) =>
        element.Member(key)?.ToBoolean(missing) ?? missing;

    /// <summary>A text member.</summary>
    public static string Text(this JsonElement element, string key, string missing = "") => element.Member(key)?.ToText(missing) ?? missing;

    /// <summary>
    /// The value as an unsigned integer: fractions are truncated, negative numbers wrap, and from a text its leading decimal digits are
    /// used.
    /// </summary>
    public static ulong ToInteger(this JsonElement value, ulong missing = 0) => value.ValueKind switch
    {
        JsonValueKind.True => 1,
        JsonValueKind.False => 0,
        JsonValueKind.Number => Number(value),
        JsonValueKind.String => Digits(Characters(value)),
        _ => missing,
    };

    /// <summary>The value as a boolean: a number that is not 0, or a text that begins with t, T or 1.</summary>
    public static bool ToBoolean(this JsonElement value, bool missing = false) => value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.Number => Number(value) > 0,
        JsonValueKind.String => Characters(value) is ['t' or 'T' or '1', ..],
        _ => missing,
    };

    /// <summary>The value as a text.</summary>
    public static string ToText(this JsonElement value, string missing = "") => value.ValueKind switch
    {
        JsonValueKind.True => "1",
        JsonValueKind.False => "0",
        JsonValueKind.Number => Number(value).ToString(CultureInfo.InvariantCulture),
        JsonValueKind.String => Characters(value),
        _ => missing,
    };

    /// <summary>
    /// The value of the leading hexadecimal digits of a text, with or without 0x; 0 when there are none. Saturates at 64 bits.
    /// </summary>
    public static ulong Hexadecimal(ReadOnlySpan<char> text)
    {
        if (text.StartsWith("0x", StringComparison.OrdinalIgnoreCase))
        {
            text = text[2..];
        }

        ulong value = 0;
        foreach (char c in text)
        {
            if (!char.IsAsciiHexDigit(c))
            {
                break;
            }

            if (value >> 60 != 0)
            {
                return ulong.MaxValue;
            }

            value = value << 4 | (uint)(char.IsAsciiDigit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
        }

        return value;
    }

    /// <summary>The value of the leading decimal digits of a text; 0 when there are none. Saturates at 64 bits.</summary>
    public static ulong Digits(ReadOnlySpan<char> text)
    {
        int end = text.IndexOfAnyExceptInRange('0', '9');
        text = end < 0 ? text : text[..end];
        return text.IsEmpty ? 0
            : ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong value) ? value
            : ulong.MaxValue;
    }

    private static ulong Number(JsonElement value) =>
        value.TryGetUInt64(out ulong unsigned) ? unsigned
        : value.TryGetInt64(out long signed) ? unchecked((ulong)signed)
        : value.TryGetDouble(out double number) ? (number < 0 ? unchecked((ulong)(long)number) : (ulong)number)
        : 0;

    // The parser accepts an unpaired surrogate; reading the text then throws InvalidOperationException.
    private static string Characters(JsonElement value)
    {
        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException e)
        {
            throw new JsonException("A JSON text holds half of a surrogate pair, which is no character.", e);
        }
    }
}
