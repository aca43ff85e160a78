using System.Net;
using System.Net.Sockets;
using ZeroTier.Managed.Net;

namespace ZeroTier.Controller.Json;

/// <summary>
/// The texts of addresses in ZeroTierOne's HTTP API, which reads something out of any text (docs/protocol/5-http-api.md 5.3, 5.6).
/// </summary>
internal static class AddressText
{
    private const int MaxLength = 63;

    /// <summary>
    /// Reads <c>ip/bits</c>. False when it is the text of no address; one of digits that do not parse is all zero. Bits that are not given
    /// are 0.
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

    /// <summary>As above, in the framework's form; null when it is the text of no address.</summary>
    public static (IPAddress Address, int Bits)? ReadPrefix(string text) =>
        TryReadPrefix(text, out IpAddress address, out ushort bits) ? (address.ToIPAddress(), bits) : null;

    /// <summary>Reads four decimal numbers. The framework takes more: <c>10.1</c>, hexadecimal and octal numbers.</summary>
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

    /// <summary>Reads an IPv6 address. The framework takes scopes and brackets, too.</summary>
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

    /// <summary>Reads up to six pairs of hexadecimal digits, with or without separators; what is missing or no digit is 0.</summary>
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
