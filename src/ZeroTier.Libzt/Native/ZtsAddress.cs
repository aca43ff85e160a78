using System.Buffers.Binary;
using System.Net;
using System.Runtime.InteropServices;

namespace ZeroTier.Libzt.Native;

/// <summary>
/// libzt's <c>zts_sockaddr_storage</c>, 28 bytes, with the fields of <c>zts_sockaddr_in6</c>; IPv4 addresses are at offset 4
/// (docs/protocol/4-libzt-api.md 6). Not compatible with the operating system's structures.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal struct ZtsAddress
{
    /// <summary>Length of an IPv4 address structure; lwIP accepts no other length for this family.</summary>
    internal const uint IPv4Length = 16;

    /// <summary>Length of an IPv6 address structure; lwIP accepts no other length for this family.</summary>
    internal const uint IPv6Length = 28;

    private byte _length;
    private byte _family;
    private ushort _port;
    private uint _flowInfo; // or the IPv4 address
    private UInt128 _address;
    private readonly uint _scopeId; // stays 0: libzt's interfaces need none

    /// <summary>The family. Address events have it in the first byte on Linux and Windows (section 7.2).</summary>
    internal readonly ZtsFamily Family => (ZtsFamily)(_family != 0 ? _family : _length);

    /// <summary>The port; in address lists of the node, the prefix length.</summary>
    internal readonly int Port => BinaryPrimitives.ReverseEndianness(_port);

    /// <summary>The length to pass with the address.</summary>
    internal readonly uint Length => Family == ZtsFamily.InterNetwork ? IPv4Length : IPv6Length;

    /// <summary>Creates a socket address.</summary>
    internal static ZtsAddress From(IPAddress address, int port)
    {
        ZtsAddress result = default;
        result._port = BinaryPrimitives.ReverseEndianness((ushort)port);
        if (address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork)
        {
            result._length = (byte)IPv4Length;
            result._family = (byte)ZtsFamily.InterNetwork;
            address.TryWriteBytes(MemoryMarshal.AsBytes(new Span<uint>(ref result._flowInfo)), out _);
        }
        else
        {
            result._length = (byte)IPv6Length;
            result._family = (byte)ZtsFamily.InterNetworkV6;
            address.TryWriteBytes(MemoryMarshal.AsBytes(new Span<UInt128>(ref result._address)), out _);
        }

        return result;
    }

    /// <summary>The address, without a scope and with mapped IPv4 addresses as IPv4; null for another family.</summary>
    internal readonly IPAddress? ToIPAddress()
    {
        switch (Family)
        {
            case ZtsFamily.InterNetwork:
                return new IPAddress(MemoryMarshal.AsBytes(new ReadOnlySpan<uint>(in _flowInfo)));
            case ZtsFamily.InterNetworkV6:
                var address = new IPAddress(MemoryMarshal.AsBytes(new ReadOnlySpan<UInt128>(in _address)));
                return address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
            default:
                return null;
        }
    }

    /// <summary>True when family, port and address bytes are equal.</summary>
    internal static bool Same(in ZtsAddress left, in ZtsAddress right) =>
        left.Family == right.Family
        && left._port == right._port
        && (left.Family == ZtsFamily.InterNetwork ? left._flowInfo == right._flowInfo : left._address == right._address);
}
