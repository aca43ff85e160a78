using System.Globalization;

namespace ZeroTier;

/// <summary>The text form of IDs: a fixed number of hexadecimal digits.</summary>
internal static class HexText
{
    public static bool TryParse(ReadOnlySpan<char> text, int length, out ulong value)
    {
        value = 0;
        return text.Length == length && ulong.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
    }

    /// <exception cref="FormatException">The format is neither empty nor <c>G</c>.</exception>
    public static void CheckFormat(ReadOnlySpan<char> format, string what)
    {
        if (format is not ("" or "G" or "g"))
        {
            throw new FormatException($"'{format}' is not a format of a {what}. It has one text form: leave the format out, or use G.");
        }
    }
}
