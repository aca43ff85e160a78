using System.Net.Sockets;

namespace ZeroTier.Managed.Vl1.Paths;

/// <summary>The scope of an IP address (docs/protocol/2-vl1.md 2.4); of two paths, the one with the larger value is preferred.</summary>
internal enum IpScope
{
    None = 0,
    Multicast = 1,
    Loopback = 2,
    PseudoPrivate = 3,
    Global = 4,
    LinkLocal = 5,
    Shared = 6,
    Private = 7,
}

/// <summary>Classifies endpoints (2.4).</summary>
internal static class IpScopes
{
    public static IpScope Of(in InetEndPoint endPoint)
    {
        Span<byte> b = stackalloc byte[16];
        endPoint.WriteAddress(b);
        return endPoint.Family switch
        {
            AddressFamily.InterNetwork => OfIPv4(b),
            AddressFamily.InterNetworkV6 => OfIPv6(b),
            _ => IpScope.None,
        };
    }

    /// <summary>
    /// Whether an address may be used for a path at all: scopes 3, 4, 6 and 7, but not 2001:470::/32, the range of a tunnel broker.
    /// </summary>
    public static bool IsUsableForPath(in InetEndPoint endPoint)
    {
        if (Of(endPoint) is not (IpScope.PseudoPrivate or IpScope.Global or IpScope.Shared or IpScope.Private))
        {
            return false;
        }

        if (endPoint.Family == AddressFamily.InterNetwork)
        {
            return true;
        }

        Span<byte> b = stackalloc byte[16];
        endPoint.WriteAddress(b);
        return b[..4] is not [0x20, 0x01, 0x04, 0x70];
    }

    private static IpScope OfIPv4(ReadOnlySpan<byte> b) => b[0] switch
    {
        0 or 255 => IpScope.None,
        10 => IpScope.Private,
        127 => IpScope.Loopback,
        6 or 11 or 21 or 22 or 25 or 26 or 28 or 29 or 30 or 51 or 55 or 56 => IpScope.PseudoPrivate,
        100 when (b[1] & 0xc0) == 64 => IpScope.Private,
        169 when b[1] == 254 => IpScope.LinkLocal,
        172 when (b[1] & 0xf0) == 16 => IpScope.Private,
        192 when b[1] == 168 => IpScope.Private,
        192 when b[1] == 0 && b[2] == 2 => IpScope.Private,
        198 when (b[1] & 0xfe) == 18 => IpScope.Private,
        198 when b[1] == 51 && b[2] == 100 => IpScope.Private,
        203 when b[1] == 0 && b[2] == 113 => IpScope.Private,
        >= 240 => IpScope.PseudoPrivate,
        >= 224 => IpScope.Multicast,
        _ => IpScope.Global,
    };

    private static IpScope OfIPv6(ReadOnlySpan<byte> b)
    {
        if (b[0] == 0xff)
        {
            return IpScope.Multicast;
        }

        if (b[0] == 0xfe && (b[1] & 0xc0) == 0x80)
        {
            return b[1] == 0x80 && b[15] == 1 && b[2..15].IndexOfAnyExcept((byte)0) < 0 ? IpScope.Loopback : IpScope.LinkLocal;
        }

        if ((b[0] & 0xfe) == 0xfc)
        {
            return IpScope.Private;
        }

        if (b[..15].IndexOfAnyExcept((byte)0) < 0)
        {
            return b[15] switch { 0 => IpScope.None, 1 => IpScope.Loopback, _ => IpScope.Global };
        }

        return IpScope.Global;
    }
}
