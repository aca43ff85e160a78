using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;

namespace ZeroTier;

/// <summary>The 64-bit ID of a ZeroTier network: its controller's 40-bit address and a 24-bit number chosen by the controller.</summary>
/// <remarks>Text form: exactly sixteen lower-case hexadecimal digits. Immutable and thread-safe.</remarks>
public readonly record struct NetworkId : ISpanParsable<NetworkId>, ISpanFormattable, IUtf8SpanFormattable
{
    /// <summary>Number of hexadecimal digits in the text form.</summary>
    public const int TextLength = 16;

    private const string ValueFormat = "x16";

    /// <summary>Wraps a 64-bit value.</summary>
    public NetworkId(ulong value) => Value = value;

    /// <summary>The ID as a number.</summary>
    public ulong Value { get; }

    /// <summary>True for networks without a controller, whose ID begins with <c>ff</c>.</summary>
    public bool IsAdHoc => Value >> 56 == 0xff;

    /// <summary>The controller's address, or null for an ad-hoc network.</summary>
    public NodeId? Controller => IsAdHoc ? null : new NodeId(Value >> 24);

    /// <summary>The ID of the ad-hoc network whose members accept connections on a range of ports (IPv6 only).</summary>
    /// <exception cref="ArgumentException"><paramref name="lastPort"/> is lower than <paramref name="firstPort"/>.</exception>
    public static NetworkId AdHoc(ushort firstPort, ushort lastPort)
    {
        if (lastPort < firstPort)
        {
            throw new ArgumentException($"The last port ({lastPort}) is lower than the first port ({firstPort}).", nameof(lastPort));
        }

        return new NetworkId(0xffUL << 56 | (ulong)firstPort << 40 | (ulong)lastPort << 24);
    }

    /// <summary>
    /// The first and last TCP port that an ad-hoc network permits; null for other networks and other kinds of ad-hoc IDs.
    /// </summary>
    internal (ushort First, ushort Last)? AdHocPorts =>
        IsAdHoc && (Value & 0xff_ffff) == 0 ? ((ushort)(Value >> 40), (ushort)(Value >> 24)) : null;

    /// <summary>
    /// The 6PLANE address of a member: <c>fc</c>, a 32-bit digest of the network, the node's address and <c>::1</c>.
    /// Used on ad-hoc networks, and on others if their controller assigns it.
    /// </summary>
    public IPAddress GetSixPlaneAddress(NodeId member)
    {
        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        bytes[0] = 0xfc;
        BinaryPrimitives.WriteUInt32BigEndian(bytes[1..], (uint)(Value ^ Value >> 32));
        member.Write(bytes[5..]);
        bytes[15] = 1;
        return new IPAddress(bytes);
    }

    /// <summary>
    /// The RFC 4193 address of a member: <c>fd</c>, the network, <c>9993</c> and the node's address. Used on networks whose controller
    /// assigns it.
    /// </summary>
    public IPAddress GetRfc4193Address(NodeId member)
    {
        Span<byte> bytes = stackalloc byte[16];
        bytes[0] = 0xfd;
        BinaryPrimitives.WriteUInt64BigEndian(bytes[1..], Value);
        bytes[9] = 0x99;
        bytes[10] = 0x93;
        member.Write(bytes[11..]);
        return new IPAddress(bytes);
    }

    /// <summary>Parses sixteen hexadecimal digits.</summary>
    /// <exception cref="FormatException">The text is not a network ID.</exception>
    public static NetworkId Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return Parse(text.AsSpan(), null);
    }

    /// <summary>Parses sixteen hexadecimal digits.</summary>
    /// <param name="s">The text.</param>
    /// <param name="provider">Not used: the text form is the same in every culture.</param>
    /// <exception cref="FormatException">The text is not a network ID.</exception>
    public static NetworkId Parse(string s, IFormatProvider? provider) => Parse(s);

    /// <summary>Parses sixteen hexadecimal digits.</summary>
    /// <param name="s">The text.</param>
    /// <param name="provider">Not used: the text form is the same in every culture.</param>
    /// <exception cref="FormatException">The text is not a network ID.</exception>
    public static NetworkId Parse(ReadOnlySpan<char> s, IFormatProvider? provider) =>
        TryParse(s, provider, out var id)
            ? id
            : throw new FormatException(
                $"'{s}' is not a ZeroTier network ID. Expected 16 hexadecimal digits, for example 8056c2e21c000001.");

    /// <summary>Parses sixteen hexadecimal digits without throwing.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out NetworkId id) => TryParse(text.AsSpan(), null, out id);

    /// <summary>Parses sixteen hexadecimal digits without throwing.</summary>
    /// <param name="s">The text.</param>
    /// <param name="provider">Not used: the text form is the same in every culture.</param>
    /// <param name="result">The ID.</param>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out NetworkId result) =>
        TryParse(s.AsSpan(), provider, out result);

    /// <summary>Parses sixteen hexadecimal digits without throwing.</summary>
    /// <param name="s">The text.</param>
    /// <param name="provider">Not used: the text form is the same in every culture.</param>
    /// <param name="result">The ID.</param>
    public static bool TryParse(ReadOnlySpan<char> s, IFormatProvider? provider, out NetworkId result)
    {
        bool isValid = HexText.TryParse(s, TextLength, out ulong value);
        result = new NetworkId(value);
        return isValid;
    }

    /// <inheritdoc />
    public override string ToString() => Value.ToString(ValueFormat, CultureInfo.InvariantCulture);

    /// <summary>The text form.</summary>
    /// <param name="format">Null, empty or <c>G</c>: there is one text form.</param>
    /// <param name="formatProvider">Not used: the text form is the same in every culture.</param>
    /// <exception cref="FormatException">The format is not supported.</exception>
    public string ToString(string? format, IFormatProvider? formatProvider)
    {
        HexText.CheckFormat(format, "network ID");
        return ToString();
    }

    /// <summary>Writes the text form, sixteen characters.</summary>
    /// <param name="destination">Where to write to.</param>
    /// <param name="charsWritten">How many characters were written: <see cref="TextLength"/>, or 0 when the destination is too
    /// short.</param>
    /// <param name="format">Empty or <c>G</c>: there is one text form.</param>
    /// <param name="provider">Not used: the text form is the same in every culture.</param>
    /// <exception cref="FormatException">The format is not supported.</exception>
    public bool TryFormat(Span<char> destination, out int charsWritten, ReadOnlySpan<char> format, IFormatProvider? provider)
    {
        HexText.CheckFormat(format, "network ID");
        return Value.TryFormat(destination, out charsWritten, ValueFormat, CultureInfo.InvariantCulture);
    }

    /// <summary>Writes the text form, sixteen bytes.</summary>
    /// <param name="utf8Destination">Where to write to.</param>
    /// <param name="bytesWritten">How many bytes were written: <see cref="TextLength"/>, or 0 when the destination is too short.</param>
    /// <param name="format">Empty or <c>G</c>: there is one text form.</param>
    /// <param name="provider">Not used: the text form is the same in every culture.</param>
    /// <exception cref="FormatException">The format is not supported.</exception>
    public bool TryFormat(Span<byte> utf8Destination, out int bytesWritten, ReadOnlySpan<char> format, IFormatProvider? provider)
    {
        HexText.CheckFormat(format, "network ID");
        return Value.TryFormat(utf8Destination, out bytesWritten, ValueFormat, CultureInfo.InvariantCulture);
    }
}
