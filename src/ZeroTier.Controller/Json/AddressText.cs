using System.Net;
using System.Net.Sockets;
using ZeroTier.Managed.Net;

namespace ZeroTier.Controller.Json;

/// <summary>
/// Parses addresses as ZeroTierOne's HTTP API does, which accepts almost any text (docs/protocol/5-http-api.md 5.3, 5.6).
/// </summary>
internal static class AddressText
{
    private const int MaxLength = 63;

    /// <summary>
    /// Parses <c>ip/bits</c>. False when the text is too long or contains neither a colon nor a dot. An address that does not parse becomes
    /// all zero, missing bits become 0.
    /// </summary>
    public static bool TryReadPrefix(ReadOnlySpan<char> text, out IpAddress address, out ushort bits)
    {
        (address, bits) = (default, 0);
        if (text.Length > MaxLength)
        {
            return false;
        }

        int slash = text.IndexOf('/');
        ReadOnlySpan<char> digits = slash < 0 ? text : text[..slash];
        bits = slash < 0 ? (ushort)0 : (ushort)LenientJson.Digits(text[(slash + 1)..]);
        if (digits.Contains(':'))
        {
            address = TryReadIPv6(digits, out IpAddress ipv6) ? ipv6 : IpAddress.FromIPv6(0);
            return true;
        }

        if (digits.Contains('.'))
        {
            address = TryReadIPv4(digits, out IpAddress ipv4) ? ipv4 : IpAddress.FromIPv4(0);
            return true;
        }

        bits = 0;
        return false;
    }

    /// <summary>As <see cref="TryReadPrefix"/>, with the framework's address type; null instead of false.</summary>
    public static (IPAddress Address, int Bits)? ReadPrefix(string text) =>
        TryReadPrefix(text, out IpAddress address, out ushort bits) ? (address.ToIPAddress(), bits) : null;

    /// <summary>Parses four decimal numbers. The framework's parser accepts more: <c>10.1</c>, hexadecimal and octal numbers.</summary>
    public static bool TryReadIPv4(ReadOnlySpan<char> text, out IpAddress address)
    {
        address = default;
        uint value = 0;
        int parts = 0;
        foreach (Range range in text.Split('.'))
        {
            ReadOnlySpan<char> part = text[range];
            if (++parts > 4 || part.Length is 0 or > 3 || (part.Length > 1 && part[0] == '0') || part.ContainsAnyExceptInRange('0', '9'))
            {
                return false;
            }

            uint number = (uint)LenientJson.Digits(part);
            if (number > byte.MaxValue)
            {
                return false;
            }

            value = value << 8 | number;
        }

        address = IpAddress.FromIPv4(value);
        return parts == 4;
    }

    /// <summary>Parses an IPv6 address. The framework's parser also accepts scopes and brackets.</summary>
    public static bool TryReadIPv6(ReadOnlySpan<char> text, out IpAddress address)
    {
        address = default;
        if (text.ContainsAnyExcept("0123456789abcdefABCDEF:.") || !IPAddress.TryParse(text, out IPAddress? parsed)
            || parsed.AddressFamily != AddressFamily.InterNetworkV6)
        {
            return false;
        }

        Span<byte> bytes = stackalloc byte[16];
        parsed.TryWriteBytes(bytes, out _);
        address = IpAddress.ReadIPv6(bytes);
        return true;
    }

    /// <summary>Parses up to six pairs of hexadecimal digits, with or without separators; missing or invalid digits count as 0.</summary>
    public static MacAddress ReadMac(ReadOnlySpan<char> text)
    {
        ulong value = 0;
        int digits = 0;
        foreach (char c in text)
        {
            if (c is ':' or '-')
            {
                continue;
            }

            if (digits == 2 * MacAddress.Length)
            {
                break;
            }

            value = value << 4 | LenientJson.Hexadecimal([c]);
            digits++;
        }

        return new MacAddress(value << (4 * ((2 * MacAddress.Length) - digits)));
    }
}
