using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace ZeroTier.Managed.Net;

/// <summary>An IPv4 or IPv6 address as a value. IPv4 addresses differ from IPv4-mapped IPv6 addresses.</summary>
internal readonly struct IpAddress : IEquatable<IpAddress>
{
    private readonly UInt128 _value;

    private IpAddress(UInt128 value, bool isIPv4)
    {
        _value = value;
        IsIPv4 = isIPv4;
    }

    public bool IsIPv4 { get; }

    public bool IsIPv6 => !IsIPv4;

    /// <summary>The address as a number; for IPv4 in the low 32 bits.</summary>
    public UInt128 Value => _value;

    /// <summary>4 or 16.</summary>
    public int Length => IsIPv4 ? 4 : 16;

    /// <summary>Bits in the address: 32 or 128.</summary>
    public int BitLength => IsIPv4 ? 32 : 128;

    public bool IsUnspecified => _value == 0;

    public bool IsMulticast => IsIPv4 ? (uint)_value >> 28 == 0xe : (byte)(_value >> 120) == 0xff;

    /// <summary>IPv6, fe80::/16: of fe80::/10 the rest is zero (RFC 4291, 2.5.6).</summary>
    public bool IsLinkLocal => !IsIPv4 && (ushort)(_value >> 112) == 0xfe80;

    public static IpAddress ReadIPv4(ReadOnlySpan<byte> source) => new(BinaryPrimitives.ReadUInt32BigEndian(source), isIPv4: true);

    public static IpAddress ReadIPv6(ReadOnlySpan<byte> source) => new(BinaryPrimitives.ReadUInt128BigEndian(source), isIPv4: false);

    public static IpAddress FromIPv4(uint value) => new(value, isIPv4: true);

    public static IpAddress FromIPv6(UInt128 value) => new(value, isIPv4: false);

    public static IpAddress From(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out int length);
        return length == 4 ? ReadIPv4(bytes) : address.IsIPv4MappedToIPv6 ? ReadIPv4(bytes[12..]) : ReadIPv6(bytes);
    }

    /// <summary>Writes the address in network order.</summary>
    /// <returns>4 or 16.</returns>
    public int Write(Span<byte> destination)
    {
        if (IsIPv4)
        {
            BinaryPrimitives.WriteUInt32BigEndian(destination, (uint)_value);
            return 4;
        }

        BinaryPrimitives.WriteUInt128BigEndian(destination, _value);
        return 16;
    }

    /// <summary>True when both addresses are of the same family and their first <paramref name="prefixLength"/> bits are equal.</summary>
    public bool IsInPrefix(in IpAddress prefix, int prefixLength)
    {
        if (IsIPv4 != prefix.IsIPv4)
        {
            return false;
        }

        // By halves, since shifts of 128 bits are slow, and every packet passes through here a few times.
        var difference = _value ^ prefix._value;
        if (IsIPv4)
        {
            return prefixLength <= 0 || (uint)difference >> (32 - prefixLength) == 0;
        }

        ulong high = (ulong)(difference >> 64);
        return prefixLength <= 64
            ? prefixLength <= 0 || high >> (64 - prefixLength) == 0
            : high == 0 && (ulong)difference >> (128 - prefixLength) == 0;
    }

    /// <summary>The first address of the prefix that this one is in.</summary>
    public IpAddress First(int prefixLength)
    {
        int shift = BitLength - prefixLength;
        return new(shift >= BitLength ? 0 : _value >> shift << shift, IsIPv4);
    }

    /// <summary>The framework's form. Allocates.</summary>
    public IPAddress ToIPAddress()
    {
        Span<byte> bytes = stackalloc byte[16];
        return new IPAddress(bytes[..Write(bytes)]);
    }

    public AddressFamily Family => IsIPv4 ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6;

    public bool Equals(IpAddress other) => _value == other._value && IsIPv4 == other.IsIPv4;

    public override bool Equals(object? obj) => obj is IpAddress other && Equals(other);

    public override int GetHashCode() => HashCode.Combine(_value, IsIPv4);

    public static bool operator ==(IpAddress left, IpAddress right) => left.Equals(right);

    public static bool operator !=(IpAddress left, IpAddress right) => !left.Equals(right);

    public override string ToString() => ToIPAddress().ToString();
}
