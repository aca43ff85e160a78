using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace ZeroTier;

/// <summary>The 40-bit address of a ZeroTier node, derived from its public key.</summary>
/// <remarks>Text form: exactly ten lower-case hexadecimal digits. Immutable and thread-safe.</remarks>
public readonly record struct NodeId : IComparable<NodeId>, ISpanParsable<NodeId>, ISpanFormattable, IUtf8SpanFormattable
{
    /// <summary>Number of hexadecimal digits in the text form.</summary>
    public const int TextLength = 10;

    private const string ValueFormat = "x10";

    private const ulong Mask = 0xff_ffff_ffff;

    /// <summary>Wraps a 40-bit value.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value does not fit in 40 bits.</exception>
    public NodeId(ulong value)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value, Mask);
        Value = value;
    }

    /// <summary>The address as a number, 0 to 2^40 - 1.</summary>
    public ulong Value { get; }

    /// <summary>True for addresses that no node may have: zero, and those whose first byte is <c>ff</c>.</summary>
    public bool IsReserved => Value == 0 || Value >> 32 == 0xff;

    /// <summary>Parses ten hexadecimal digits.</summary>
    /// <exception cref="FormatException">The text is not a node address.</exception>
    public static NodeId Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return Parse(text.AsSpan(), null);
    }

    /// <summary>Parses ten hexadecimal digits.</summary>
    /// <param name="s">The text.</param>
    /// <param name="provider">Not used: the text form is the same in every culture.</param>
    /// <exception cref="FormatException">The text is not a node address.</exception>
    public static NodeId Parse(string s, IFormatProvider? provider) => Parse(s);

    /// <summary>Parses ten hexadecimal digits.</summary>
    /// <param name="s">The text.</param>
    /// <param name="provider">Not used: the text form is the same in every culture.</param>
    /// <exception cref="FormatException">The text is not a node address.</exception>
    public static NodeId Parse(ReadOnlySpan<char> s, IFormatProvider? provider) =>
        TryParse(s, provider, out var id)
            ? id
            : throw new FormatException($"'{s}' is not a ZeroTier node address. Expected 10 hexadecimal digits, for example 8056c2e21c.");

    /// <summary>Parses ten hexadecimal digits without throwing.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out NodeId id) => TryParse(text.AsSpan(), null, out id);

    /// <summary>Parses ten hexadecimal digits without throwing.</summary>
    /// <param name="s">The text.</param>
    /// <param name="provider">Not used: the text form is the same in every culture.</param>
    /// <param name="result">The address.</param>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out NodeId result) =>
        TryParse(s.AsSpan(), provider, out result);

    /// <summary>Parses ten hexadecimal digits without throwing.</summary>
    /// <param name="s">The text.</param>
    /// <param name="provider">Not used: the text form is the same in every culture.</param>
    /// <param name="result">The address.</param>
    public static bool TryParse(ReadOnlySpan<char> s, IFormatProvider? provider, out NodeId result)
    {
        bool isValid = HexText.TryParse(s, TextLength, out ulong value);
        result = new NodeId(value);
        return isValid;
    }

    /// <summary>Reads an address in its wire format: five bytes, big-endian.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The span has fewer than five bytes.</exception>
    public static NodeId Read(ReadOnlySpan<byte> source)
    {
        source = source[..5];
        return new NodeId((ulong)source[0] << 32 | BinaryPrimitives.ReadUInt32BigEndian(source[1..]));
    }

    /// <summary>Writes the address in its wire format: five bytes, big-endian.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The span has fewer than five bytes.</exception>
    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt32BigEndian(destination[1..5], (uint)Value);
        destination[0] = (byte)(Value >> 32);
    }

    /// <inheritdoc />
    public int CompareTo(NodeId other) => Value.CompareTo(other.Value);

    /// <summary>Orders addresses numerically.</summary>
    public static bool operator <(NodeId left, NodeId right) => left.Value < right.Value;

    /// <summary>Orders addresses numerically.</summary>
    public static bool operator >(NodeId left, NodeId right) => left.Value > right.Value;

    /// <summary>Orders addresses numerically.</summary>
    public static bool operator <=(NodeId left, NodeId right) => left.Value <= right.Value;

    /// <summary>Orders addresses numerically.</summary>
    public static bool operator >=(NodeId left, NodeId right) => left.Value >= right.Value;

    /// <inheritdoc />
    public override string ToString() => Value.ToString(ValueFormat, CultureInfo.InvariantCulture);

    /// <summary>The text form.</summary>
    /// <param name="format">Null, empty or <c>G</c>: there is one text form.</param>
    /// <param name="formatProvider">Not used: the text form is the same in every culture.</param>
    /// <exception cref="FormatException">The format is not supported.</exception>
    public string ToString(string? format, IFormatProvider? formatProvider)
    {
        HexText.CheckFormat(format, "node address");
        return ToString();
    }

    /// <summary>Writes the text form, ten characters.</summary>
    /// <param name="destination">Where to write to.</param>
    /// <param name="charsWritten">How many characters were written: <see cref="TextLength"/>, or 0 when the destination is too
    /// short.</param>
    /// <param name="format">Empty or <c>G</c>: there is one text form.</param>
    /// <param name="provider">Not used: the text form is the same in every culture.</param>
    /// <exception cref="FormatException">The format is not supported.</exception>
    public bool TryFormat(Span<char> destination, out int charsWritten, ReadOnlySpan<char> format, IFormatProvider? provider)
    {
        HexText.CheckFormat(format, "node address");
        return Value.TryFormat(destination, out charsWritten, ValueFormat, CultureInfo.InvariantCulture);
    }

    /// <summary>Writes the text form, ten bytes.</summary>
    /// <param name="utf8Destination">Where to write to.</param>
    /// <param name="bytesWritten">How many bytes were written: <see cref="TextLength"/>, or 0 when the destination is too short.</param>
    /// <param name="format">Empty or <c>G</c>: there is one text form.</param>
    /// <param name="provider">Not used: the text form is the same in every culture.</param>
    /// <exception cref="FormatException">The format is not supported.</exception>
    public bool TryFormat(Span<byte> utf8Destination, out int bytesWritten, ReadOnlySpan<char> format, IFormatProvider? provider)
    {
        HexText.CheckFormat(format, "node address");
        return Value.TryFormat(utf8Destination, out bytesWritten, ValueFormat, CultureInfo.InvariantCulture);
    }
}
