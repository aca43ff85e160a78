using System.Globalization;
using ZeroTier.Managed.Net;

namespace ZeroTier.Controller.Names;

/// <summary>Parses names for reverse lookups (RFC 1035, 3.5; RFC 3596, 2.5), under <c>in-addr.arpa</c> and <c>ip6.arpa</c>.</summary>
internal static class ReverseName
{
    private const string IPv4Suffix = ".in-addr.arpa";
    private const string IPv6Suffix = ".ip6.arpa";
    private const int IPv4LabelBits = 8;
    private const int IPv6LabelBits = 4;

    /// <summary>Parses the normalized name of an address or of a prefix; false for other names.</summary>
    /// <param name="name">The name.</param>
    /// <param name="address">The address; for a prefix, the missing bits are 0.</param>
    /// <param name="bits">The number of bits that the name contains.</param>
    public static bool TryRead(string name, out IpAddress address, out int bits)
    {
        (address, bits) = (default, 0);
        bool isIPv4 = name.EndsWith(IPv4Suffix, StringComparison.Ordinal);
        if (!isIPv4 && !name.EndsWith(IPv6Suffix, StringComparison.Ordinal))
        {
            return false;
        }

        string[] labels = name[..^(isIPv4 ? IPv4Suffix : IPv6Suffix).Length].Split('.');
        int size = isIPv4 ? IPv4LabelBits : IPv6LabelBits, length = isIPv4 ? 32 : 128;
        if (labels.Length * size > length)
        {
            return false;
        }

        UInt128 value = 0;
        foreach (string label in labels.Reverse())
        {
            if (!TryRead(label, isIPv4, out byte part))
            {
                return false;
            }

            value = (value << size) | part;
        }

        bits = labels.Length * size;
        value <<= length - bits;
        address = isIPv4 ? IpAddress.FromIPv4((uint)value) : IpAddress.FromIPv6(value);
        return true;
    }

    /// <summary>The number of bits in the zone name of a prefix, which consists of whole labels.</summary>
    public static int ZoneBits(in IpAddress prefix, int length) => length - (length % (prefix.IsIPv4 ? IPv4LabelBits : IPv6LabelBits));

    /// <summary>The suffix of a name that contains only the given number of bits.</summary>
    public static string ZoneOf(string name, in IpAddress address, int bits, int zoneBits)
    {
        int size = address.IsIPv4 ? IPv4LabelBits : IPv6LabelBits;
        for (int cut = (bits - zoneBits) / size; cut > 0; cut--)
        {
            name = name[(name.IndexOf('.', StringComparison.Ordinal) + 1)..];
        }

        return name;
    }

    // Leading zeros are refused, so that each address has exactly one name.
    private static bool TryRead(string label, bool isIPv4, out byte part) => isIPv4
        ? byte.TryParse(label, NumberStyles.None, CultureInfo.InvariantCulture, out part) && (label.Length == 1 || label[0] != '0')
        : byte.TryParse(label, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out part) && label.Length == 1;
}
