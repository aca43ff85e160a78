using System.Globalization;
using ZeroTier.Managed.Net;

namespace ZeroTier.Controller.Names;

/// <summary>
/// Addresses as names (RFC 1035, 3.5; RFC 3596, 2.5): the last part first, under <c>in-addr.arpa</c> and <c>ip6.arpa</c>.
/// </summary>
internal static class ReverseName
{
    private const string IPv4Suffix = ".in-addr.arpa";
    private const string IPv6Suffix = ".ip6.arpa";
    private const int IPv4LabelBits = 8;
    private const int IPv6LabelBits = 4;

    /// <summary>Reads a normalized name of an address, or of the first bits of some; false for other names.</summary>
    /// <param name="name">The name.</param>
    /// <param name="address">The address, the bits that are missing 0.</param>
    /// <param name="bits">The bits that the name has.</param>
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

    /// <summary>How many bits of a prefix the name of its zone has: only whole labels can be cut off.</summary>
    public static int ZoneBits(in IpAddress prefix, int length) => length - (length % (prefix.IsIPv4 ? IPv4LabelBits : IPv6LabelBits));

    /// <summary>The end of a name that has only so many of its bits.</summary>
    public static string ZoneOf(string name, in IpAddress address, int bits, int zoneBits)
    {
        int size = address.IsIPv4 ? IPv4LabelBits : IPv6LabelBits;
        for (int cut = (bits - zoneBits) / size; cut > 0; cut--)
        {
            name = name[(name.IndexOf('.', StringComparison.Ordinal) + 1)..];
        }

        return name;
    }

    // No leading zeros: each address has one name.
    private static bool TryRead(string label, bool isIPv4, out byte part) => isIPv4
        ? byte.TryParse(label, NumberStyles.None, CultureInfo.InvariantCulture, out part) && (label.Length == 1 || label[0] != '0')
        : byte.TryParse(label, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out part) && label.Length == 1;
}
