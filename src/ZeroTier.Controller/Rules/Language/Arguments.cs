using System.Globalization;
using ZeroTier.Controller.Json;
using ZeroTier.Managed.Net;

namespace ZeroTier.Controller.Rules.Language;

/// <summary>Parses the arguments of a keyword; refuses any that are ambiguous.</summary>
internal sealed class Arguments(Word keyword, List<Element> elements, int position, Scope scope, ErrorList errors)
{
    /// <summary>The position after the elements consumed so far.</summary>
    public int Position { get; private set; } = position;

    /// <summary>The next word.</summary>
    /// <param name="what">What is expected, with an example.</param>
    public Word Next(string what)
    {
        if (Position >= elements.Count || elements[Position].Block is not null)
        {
            throw new RuleSyntaxException(keyword, $"Expected {what} behind '{keyword.Text}'.");
        }

        Word word = elements[Position].Word;
        errors.Step(word);
        Word resolved = scope.Resolve(word);
        if (Vocabulary.IsReserved(resolved.Text))
        {
            throw new RuleSyntaxException(
                keyword, $"Expected {what} behind '{keyword.Text}', but '{resolved.Text}' is a word of the language.");
        }

        Position++;
        return resolved;
    }

    /// <summary>A number, decimal or hexadecimal with the prefix 0x.</summary>
    public uint Number(string what, uint max = uint.MaxValue)
    {
        Word word = Next($"{what}, 0 to {max}");
        return (uint)Number(word, word.Text, $"{what}, 0 to {max}", 0, max);
    }

    /// <summary>A number that may also be -1.</summary>
    public int NumberOrMinusOne(string what, int max)
    {
        Word word = Next(what);
        return (int)Number(word, word.Text, what, -1, max);
    }

    /// <summary>A number, or one of the names.</summary>
    public uint Named(string what, IReadOnlyDictionary<string, ulong> names, uint max)
    {
        Word word = Next(what);
        return names.TryGetValue(word.Text.ToLowerInvariant(), out ulong named) ? (uint)named
            : (uint)Number(
                word, word.Text, $"{what}: {string.Join(", ", names.Keys.Order(StringComparer.Ordinal))}, or a number up to {max}", 0, max);
    }

    /// <summary>One number, or two separated by a hyphen.</summary>
    public (ushort First, ushort Last) Range(string what, ushort max)
    {
        string expected = $"{what}, 0 to {max}, or two with '-' between them";
        Word word = Next(expected);
        int hyphen = word.Text.IndexOf('-');
        if (hyphen < 0)
        {
            ushort only = (ushort)Number(word, word.Text, expected, 0, max);
            return (only, only);
        }

        var first = (ushort)Number(word, word.Text.AsSpan(0, hyphen), expected, 0, max);
        var last = (ushort)Number(word, word.Text.AsSpan(hyphen + 1), expected, 0, max);
        return first <= last
            ? (first, last)
            : throw new RuleSyntaxException(word, $"The range '{word.Text}' is empty: write {last}-{first}.");
    }

    /// <summary>Bit numbers and names of masks, separated by commas.</summary>
    public ulong Mask(string what, int bits, IReadOnlyDictionary<string, ulong> masks)
    {
        string names = masks.Count == 0 ? "" : $"{string.Join(", ", masks.Keys)}, or ";
        string expected = $"{what}: {names}the number of a bit up to {bits - 1}; several with ',' between them";
        Word word = Next(expected);
        ulong mask = 0;
        foreach (string part in word.Text.Split(','))
        {
            mask |= masks.TryGetValue(part, out ulong named) ? named : 1UL << (int)Number(word, part, expected, 0, bits - 1);
        }

        return mask;
    }

    /// <summary>A node ID.</summary>
    public NodeId Node()
    {
        const string What = "the address of a node, 10 hexadecimal digits";
        Word word = Next(What);
        return NodeId.TryParse(WithoutSeparators(word.Text), out NodeId node) ? node : throw Unexpected(word, word.Text, What);
    }

    /// <summary>A MAC address.</summary>
    public ulong Mac()
    {
        const string What = "an Ethernet address, for example 02:01:02:03:04:05";
        Word word = Next(What);
        string digits = WithoutSeparators(word.Text);
        return digits.Length == 2 * MacAddress.Length && digits.All(char.IsAsciiHexDigit)
            ? LenientJson.Hexadecimal(digits)
            : throw Unexpected(word, word.Text, What);
    }

    /// <summary>An IP address with its prefix length.</summary>
    public (IpAddress Address, int Length) Prefix()
    {
        const string What = "an IP address and the bits of it that count, for example 10.1.2.0/24 or fd00::/8";
        Word word = Next(What);
        int slash = word.Text.IndexOf('/');
        if (slash < 0)
        {
            throw new RuleSyntaxException(
                word,
                $"Behind '{word.Text}' the bits that count are missing: write {word.Text}/{(word.Text.Contains(':') ? 128 : 32)} for this "
                + "address alone.");
        }

        ReadOnlySpan<char> digits = word.Text.AsSpan(0, slash);
        return AddressText.TryReadIPv4(digits, out IpAddress address) || AddressText.TryReadIPv6(digits, out address)
            ? (address, (int)Number(word, word.Text.AsSpan(slash + 1), $"bits behind '/', 0 to {address.BitLength}", 0, address.BitLength))
            : throw Unexpected(word, word.Text, What);
    }

    /// <summary>A probability from 0 to 1, as a fraction of 2^32 - 1.</summary>
    public uint Probability()
    {
        const string What = "a probability, 0.0 to 1.0";
        Word word = Next(What);
        return decimal.TryParse(word.Text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal value) && value <= 1
            ? (uint)(uint.MaxValue * value)
            : throw Unexpected(word, word.Text, What);
    }

    /// <summary>Parses a number that is part of a word.</summary>
    public static long Number(Word word, ReadOnlySpan<char> text, string what, long min, long max) =>
        TryParse(text, out long value) && value >= min && value <= max ? value : throw Unexpected(word, text, what);

    /// <summary>Whether a text is a number.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out long value) => text.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
        ? long.TryParse(text[2..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value) && value >= 0
        : long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value);

    public static RuleSyntaxException Unexpected(Word word, ReadOnlySpan<char> text, string what) =>
        new(word, $"Expected {what}, not '{Shortened(text)}'.");

    private static string Shortened(ReadOnlySpan<char> text) => text.Length <= 64 ? text.ToString() : $"{text[..64]}…";

    private static string WithoutSeparators(string text) =>
        text.Replace(":", "", StringComparison.Ordinal).Replace("-", "", StringComparison.Ordinal);
}
