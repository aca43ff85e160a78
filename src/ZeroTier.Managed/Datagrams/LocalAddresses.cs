using System.Globalization;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace ZeroTier.Managed.Datagrams;

/// <summary>The addresses of this machine's interfaces that other machines can reach.</summary>
internal static class LocalAddresses
{
    // 2-vl1, 2.17: never on loopback, nor on virtual interfaces, our own and others'.
    private static readonly string[] SkippedInterfaces = ["lo", "zt", "tun", "tap"];

    /// <summary>One entry per address, IPv4 first, without duplicates. Empty when the machine has no network.</summary>
    public static List<IPAddress> Enumerate()
    {
        var temporary = TemporaryAddresses();
        var addresses = new List<IPAddress>();
        foreach (var networkInterface in NetworkInterface.GetAllNetworkInterfaces())
        {
            if (networkInterface.OperationalStatus == OperationalStatus.Down
                || networkInterface.NetworkInterfaceType == NetworkInterfaceType.Loopback
                || SkippedInterfaces.Any(p => networkInterface.Name.StartsWith(p, StringComparison.OrdinalIgnoreCase)))
            {
                continue;
            }

            foreach (var unicast in networkInterface.GetIPProperties().UnicastAddresses)
            {
                if (IsReachable(unicast.Address) && !temporary.Contains(unicast.Address) && !addresses.Contains(unicast.Address))
                {
                    addresses.Add(unicast.Address);
                }
            }
        }

        addresses.Sort((a, b) => a.AddressFamily.CompareTo(b.AddressFamily));
        return addresses;
    }

    /// <summary>True for scopes private, pseudo-private, shared and global: not loopback, link-local or multicast.</summary>
    internal static bool IsReachable(IPAddress address)
    {
        if (IPAddress.IsLoopback(address))
        {
            return false;
        }

        if (address.AddressFamily == AddressFamily.InterNetworkV6)
        {
            return !address.IsIPv6LinkLocal && !address.IsIPv6Multicast && !address.IsIPv6SiteLocal && !address.Equals(IPAddress.IPv6Any);
        }

        Span<byte> bytes = stackalloc byte[4];
        address.TryWriteBytes(bytes, out _);
        return bytes[0] is > 0 and < 224 && (bytes[0], bytes[1]) != (169, 254);
    }

    /// <summary>
    /// IPv6 addresses that Linux marks temporary or still tentative (RFC 8981, RFC 4862): they change or cannot be bound yet. The framework does not tell on Linux.
    /// </summary>
    private static HashSet<IPAddress> TemporaryAddresses()
    {
        const int Temporary = 0x01;
        const int Tentative = 0x40;
        var result = new HashSet<IPAddress>();
        if (!OperatingSystem.IsLinux())
        {
            return result;
        }

        try
        {
            foreach (string line in File.ReadLines("/proc/net/if_inet6"))
            {
                string[] fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
                if (fields.Length >= 6
                    && int.TryParse(fields[4], NumberStyles.HexNumber, CultureInfo.InvariantCulture, out int flags)
                    && (flags & (Temporary | Tentative)) != 0
                    && fields[0].Length == 32)
                {
                    result.Add(new IPAddress(Convert.FromHexString(fields[0])));
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
        {
            // No IPv6, or a system that hides it: nothing to leave out.
        }

        return result;
    }
}
