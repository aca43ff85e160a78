using System.Net;
using System.Net.Sockets;

namespace ZeroTier.Managed;

/// <summary>A physical UDP endpoint as a value: usable as a key and passed around without allocation.</summary>
public readonly struct InetEndPoint : IEquatable<InetEndPoint>
{
    private readonly UInt128 _address;

    private InetEndPoint(UInt128 address, AddressFamily family, ushort port)
    {
        _address = address;
        Family = family;
        Port = port;
    }

    /// <summary>IPv4, IPv6, or <see cref="AddressFamily.Unspecified"/> for the default value.</summary>
    public AddressFamily Family { get; }

    /// <summary>The UDP port.</summary>
    public ushort Port { get; }

    /// <summary>True for the default value, which has no address.</summary>
    public bool IsNone => Family == AddressFamily.Unspecified;

    /// <summary>True for 127.0.0.0/8 and ::1, addresses that never leave the machine.</summary>
    public bool IsLoopback => Family switch
    {
        AddressFamily.InterNetwork => (uint)_address >> 24 == 127,
        AddressFamily.InterNetworkV6 => _address == UInt128.One,
        _ => false,
    };

    /// <summary>True for 0.0.0.0 and ::, which stand for every address of a family.</summary>
    internal bool IsWildcard => !IsNone && _address == UInt128.Zero;

    /// <summary>The address without the port; undefined for the default value.</summary>
    internal IpAddress Address => Family == AddressFamily.InterNetwork ? IpAddress.FromIPv4((uint)_address) : IpAddress.FromIPv6(_address);

    /// <summary>Number of bytes of the address: 4, 16, or 0.</summary>
    public int AddressLength => Family switch { AddressFamily.InterNetwork => 4, AddressFamily.InterNetworkV6 => 16, _ => 0 };

    /// <summary>Creates an endpoint from 4 or 16 address bytes. IPv4 mapped into IPv6 becomes IPv4.</summary>
    /// <exception cref="ArgumentException">The address has another length.</exception>
    public static InetEndPoint FromBytes(ReadOnlySpan<byte> address, ushort port)
    {
        switch (address.Length)
        {
            case 4:
                return new InetEndPoint(
                    System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(address), AddressFamily.InterNetwork, port);
            case 16:
                var value = System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(address);
                return value >> 32 == 0xffff
                    ? new InetEndPoint(value & 0xffffffff, AddressFamily.InterNetwork, port)
                    : new InetEndPoint(value, AddressFamily.InterNetworkV6, port);
            default:
                throw new ArgumentException("An IP address has 4 or 16 bytes.", nameof(address));
        }
    }

    /// <summary>Creates an endpoint from a framework endpoint.</summary>
    public static InetEndPoint From(IPEndPoint endPoint)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        Span<byte> bytes = stackalloc byte[16];
        endPoint.Address.TryWriteBytes(bytes, out int length);
        return FromBytes(bytes[..length], (ushort)endPoint.Port);
    }

    /// <summary>Writes the 4 or 16 address bytes in network order.</summary>
    /// <returns>The number of bytes written.</returns>
    public int WriteAddress(Span<byte> destination)
    {
        switch (Family)
        {
            case AddressFamily.InterNetwork:
                System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(destination, (uint)_address);
                return 4;
            case AddressFamily.InterNetworkV6:
                System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(destination, _address);
                return 16;
            default:
                return 0;
        }
    }

    /// <summary>The same address with another port.</summary>
    public InetEndPoint WithPort(ushort port) => new(_address, Family, port);

    /// <summary>True when both have the same address, whatever the ports.</summary>
    public bool HasSameAddress(in InetEndPoint other) => Family == other.Family && _address == other._address;

    /// <summary>The framework's form. Allocates.</summary>
    /// <exception cref="InvalidOperationException">This is the default value.</exception>
    public IPEndPoint ToIPEndPoint()
    {
        if (IsNone)
        {
            throw new InvalidOperationException("The default endpoint has no address.");
        }

        Span<byte> bytes = stackalloc byte[16];
        return new IPEndPoint(new IPAddress(bytes[..WriteAddress(bytes)]), Port);
    }

    /// <inheritdoc />
    public bool Equals(InetEndPoint other) => _address == other._address && Port == other.Port && Family == other.Family;

    /// <inheritdoc />
    public override bool Equals(object? obj) => obj is InetEndPoint other && Equals(other);

    /// <inheritdoc />
    public override int GetHashCode() => HashCode.Combine(_address, Port);

    /// <summary>Value equality.</summary>
    public static bool operator ==(InetEndPoint left, InetEndPoint right) => left.Equals(right);

    /// <summary>Value inequality.</summary>
    public static bool operator !=(InetEndPoint left, InetEndPoint right) => !left.Equals(right);

    /// <inheritdoc />
    public override string ToString() => IsNone ? "none" : ToIPEndPoint().ToString();
}
