using System.Globalization;

namespace ZeroTier.Managed.Net;

/// <summary>A 48-bit Ethernet address.</summary>
/// <param name="Value">The address as a number, first octet highest.</param>
internal readonly record struct MacAddress(ulong Value)
{
    public const int Length = 6;

    public static MacAddress Broadcast { get; } = new(0xffff_ffff_ffff);

    /// <summary>Bit 0 of the first octet: multicast, broadcast included.</summary>
    public bool IsMulticast => (Value >> 40 & 1) != 0;

    public static MacAddress Read(ReadOnlySpan<byte> source) =>
        new((ulong)source[0] << 40 | (ulong)source[1] << 32 | (ulong)source[2] << 24 | (ulong)source[3] << 16 | (ulong)source[4] << 8
            | source[5]);

    public void Write(Span<byte> destination)
    {
        destination[0] = (byte)(Value >> 40);
        destination[1] = (byte)(Value >> 32);
        destination[2] = (byte)(Value >> 24);
        destination[3] = (byte)(Value >> 16);
        destination[4] = (byte)(Value >> 8);
        destination[5] = (byte)Value;
    }

    /// <summary>
    /// The IPv6 link-local address of an interface with this address (docs/protocol/1-identity-and-crypto.md 1.15). ZeroTier clears the
    /// universal/local bit, while RFC 4291 inverts it; as the bit is set in every member's address, the result is the same.
    /// </summary>
    public IpAddress ToLinkLocal()
    {
        ulong high = (Value >> 24 & 0xfd_ffff) << 40;
        return IpAddress.FromIPv6(new UInt128(0xfe80_0000_0000_0000, high | 0xff_fe00_0000 | Value & 0xff_ffff));
    }

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{(byte)(Value >> 40):x2}:{(byte)(Value >> 32):x2}:{(byte)(Value >> 24):x2}:"
        + $"{(byte)(Value >> 16):x2}:{(byte)(Value >> 8):x2}:{(byte)Value:x2}");
}
