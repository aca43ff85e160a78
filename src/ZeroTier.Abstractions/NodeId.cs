using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace ZeroTier;

/// <summary>The 40-bit address of a ZeroTier node, derived from its public key (chapter 1.3).</summary>
/// <remarks>Text form: exactly ten lower-case hexadecimal digits. Immutable and thread-safe.</remarks>
public readonly record struct NodeId : IComparable<NodeId>
{
    /// <summary>Number of hexadecimal digits in the text form.</summary>
    public const int TextLength = 10;

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
    public static NodeId Parse(string text) =>
        TryParse(text, out var id) ? id : throw new FormatException($"'{text}' is not a ZeroTier node address. Expected 10 hexadecimal digits, for example 8056c2e21c.");

    /// <summary>Parses ten hexadecimal digits without throwing.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out NodeId id)
    {
        id = default;
        if (text is not { Length: TextLength } || !ulong.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong value))
        {
            return false;
        }

        id = new NodeId(value);
        return true;
    }

    /// <summary>Reads the five bytes that stand for an address on the wire.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The span has fewer than five bytes.</exception>
    public static NodeId Read(ReadOnlySpan<byte> source) => new((ulong)source[0] << 32 | BinaryPrimitives.ReadUInt32BigEndian(source[1..5]));

    /// <summary>Writes the five bytes that stand for the address on the wire.</summary>
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
    public override string ToString() => Value.ToString("x10", CultureInfo.InvariantCulture);
}
