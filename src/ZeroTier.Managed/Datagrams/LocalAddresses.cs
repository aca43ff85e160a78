using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using ZeroTier.Managed.Datagrams.Platform;

namespace ZeroTier.Managed.Datagrams;

/// <summary>Enumerates the addresses of this machine's interfaces that other machines can reach.</summary>
/// <param name="log">The logger.</param>
/// <param name="blockedInterfaces">Interfaces whose name begins with one of these are omitted.</param>
/// <param name="blockedNetworks">Addresses in these networks are omitted.</param>
internal sealed class LocalAddresses(ILogger log, IReadOnlyList<string> blockedInterfaces, AddressBlocks blockedNetworks)
{
    // docs/protocol/2-vl1.md 2.17: never loopback or virtual interfaces.
    private static readonly string[] SkippedInterfaces = ["lo", "zt", "tun", "tap"];

    private int _refusals;

    /// <summary>
    /// The addresses, IPv4 first, without duplicates. Empty when the machine has no network. If the system does not reveal the addresses of
    /// a family, its wildcard address.
    /// </summary>
    public IReadOnlyList<IPAddress> Enumerate()
    {
        try
        {
            return Sorted(OfInterfaces().Where(IsAllowed));
        }
        catch (NetworkInformationException e)
        {
            // A sandbox without netlink, such as systemd's RestrictAddressFamilies=AF_INET AF_INET6.
            List<IPAddress> addresses = Sorted(
                LinuxAddresses.Enumerate()
                    .Where(a => a.Interface is null || IsUsable(a.Interface))
                    .Select(a => a.Address)
                    .Where(IsAllowed));
            if (Interlocked.Exchange(ref _refusals, 1) == 0)
            {
                UdpLog.InterfacesNotListed(log, e.Message, string.Join(", ", addresses));
            }

            return addresses;
        }
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

    private static List<IPAddress> Sorted(IEnumerable<IPAddress> addresses) =>
        [.. addresses.Distinct().OrderBy(address => address.AddressFamily)];

    private bool IsUsable(string name) =>
        !SkippedInterfaces.Concat(blockedInterfaces).Any(p => name.StartsWith(p, StringComparison.OrdinalIgnoreCase));

    private bool IsAllowed(IPAddress address) => !blockedNetworks.Contains(IpAddress.From(address));

    private IEnumerable<IPAddress> OfInterfaces()
    {
        // On Linux the framework does not tell which addresses are temporary or tentative.
        HashSet<IPAddress> unstable = OperatingSystem.IsLinux()
            ? [.. LinuxAddresses.Ipv6().Where(a => !a.IsStable).Select(a => a.Address)]
            : [];
        return NetworkInterface.GetAllNetworkInterfaces()
            .Where(
                i => i.OperationalStatus != OperationalStatus.Down
                    && i.NetworkInterfaceType != NetworkInterfaceType.Loopback
                    && IsUsable(i.Name))
            .SelectMany(i => i.GetIPProperties().UnicastAddresses)
            .Select(unicast => unicast.Address)
            .Where(address => IsReachable(address) && !unstable.Contains(address));
    }
}
