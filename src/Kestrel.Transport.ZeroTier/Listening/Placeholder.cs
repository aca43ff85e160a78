using System.Buffers.Binary;
using System.Net;
using Microsoft.AspNetCore.Http;

namespace Kestrel.Transport.ZeroTier.Listening;

/// <summary>
/// Addresses that stand for ZeroTier endpoints where Kestrel needs a URL. They are from the discard-only prefix (RFC 6666), which no
/// machine has: even if one were bound by mistake, no port of this machine would be opened.
/// </summary>
internal static class Placeholder
{
    // 100::7a74:0:0/96: the discard-only prefix, with "zt" in ASCII.
    private static readonly byte[] Prefix = [0x01, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x7a, 0x74];

    /// <summary>The placeholder with a number.</summary>
    public static IPEndPoint Of(int number, int port)
    {
        byte[] address = [.. Prefix, 0, 0, 0, 0];
        BinaryPrimitives.WriteInt32BigEndian(address.AsSpan(Prefix.Length), number);
        return new IPEndPoint(new IPAddress(address), port);
    }

    /// <summary>Whether an endpoint is a placeholder.</summary>
    public static bool Is(EndPoint endPoint) => endPoint is IPEndPoint ip && Is(ip.Address);

    /// <summary>Whether a URL contains a placeholder.</summary>
    public static bool Is(BindingAddress url) => IPAddress.TryParse(url.Host, out var address) && Is(address);

    private static bool Is(IPAddress address) => address.GetAddressBytes().AsSpan().StartsWith(Prefix);
}
