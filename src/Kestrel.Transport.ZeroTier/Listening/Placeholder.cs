using System.Buffers.Binary;
using System.Net;
using Microsoft.AspNetCore.Http;

namespace Kestrel.Transport.ZeroTier.Listening;

/// <summary>
/// Addresses that stand for endpoints of ours where Kestrel wants a URL. They are from the prefix that discards (RFC 6666), which no
/// machine has: whatever went wrong with one could not open a port of this machine.
/// </summary>
internal static class Placeholder
{
    // 100::7a74:0:0/96: the prefix that discards, and "zt".
    private static readonly byte[] Prefix = [0x01, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x7a, 0x74];

    /// <summary>The placeholder with a number.</summary>
    public static IPEndPoint Of(int number, int port)
    {
        byte[] address = [.. Prefix, 0, 0, 0, 0];
        BinaryPrimitives.WriteInt32BigEndian(address.AsSpan(Prefix.Length), number);
        return new IPEndPoint(new IPAddress(address), port);
    }

    /// <summary>Whether an endpoint is one.</summary>
    public static bool Is(EndPoint endPoint) => endPoint is IPEndPoint ip && Is(ip.Address);

    /// <summary>Whether a URL has one.</summary>
    public static bool Is(BindingAddress url) => IPAddress.TryParse(url.Host, out var address) && Is(address);

    private static bool Is(IPAddress address) => address.GetAddressBytes().AsSpan().StartsWith(Prefix);
}
