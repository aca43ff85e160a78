using System.Globalization;
using ZeroTier.Managed.IpStack;

namespace ZeroTier.Managed.Vl2;

/// <summary>What becomes of a network ID at a join: a configuration made here (chapter 3.10), or the reason why there is none.</summary>
internal static class NetworkDirectory
{
    /// <summary>The virtual MTU of ad-hoc networks.</summary>
    public const int AdHocMtu = 2800;

    public static JoinResult Join(NetworkId network, NodeId self)
    {
        ulong n = network.Value;
        if (!network.IsAdHoc)
        {
            return JoinResult.Failed(ZeroTierNetworkStatus.NotSupported, string.Create(
                CultureInfo.InvariantCulture,
                $"Network {network} has a controller (node {network.Controller}). This engine does not support networks with a controller yet. Join an ad-hoc network, for example ff0000ffff000000, instead."));
        }

        if (network.AdHocPorts is var (first, last))
        {
            return last < first
                ? JoinResult.Failed(ZeroTierNetworkStatus.NotFound, string.Create(
                    CultureInfo.InvariantCulture,
                    $"Network {network} cannot exist: its last port ({last}) is lower than its first port ({first}). Write the lower port first: ff, 4 digits for the first port, 4 digits for the last, 000000."))
                : JoinResult.Configured(PortRange(network, first, last, self));
        }

        return (n & 0xff) == 1
            ? JoinResult.Failed(ZeroTierNetworkStatus.NotSupported, string.Create(
                CultureInfo.InvariantCulture,
                $"Network {network} is an ad-hoc network with IPv4 and multicast, which this engine does not support yet. Join one of the form ffSSSSEEEE000000 (first and last port), for example ff0000ffff000000, instead."))
            : JoinResult.Failed(ZeroTierNetworkStatus.NotFound, string.Create(
                CultureInfo.InvariantCulture,
                $"Network {network} cannot exist: an ID that begins with ff names an ad-hoc network and must have the form ffSSSSEEEE000000 (first and last port)."));
    }

    // 3.10.1
    private static NetworkConfiguration PortRange(NetworkId network, ushort first, ushort last, NodeId self) => new(
        network,
        string.Create(CultureInfo.InvariantCulture, $"adhoc-{first:x4}-{last:x4}"),
        AdHocMtu,
        IsPublic: true,
        new PortRangeFilter(first, last),
        new PortRange(first, last),
        [new IpInterfaceAddress(new MemberAddressing(network).SixPlane(self), MemberAddressing.SixPlanePrefixLength)]);
}

/// <summary>A configuration, or why there is none.</summary>
internal sealed record JoinResult(ZeroTierNetworkStatus Status, NetworkConfiguration? Configuration, string? Detail)
{
    public static JoinResult Configured(NetworkConfiguration configuration) => new(ZeroTierNetworkStatus.Ok, configuration, null);

    public static JoinResult Failed(ZeroTierNetworkStatus status, string detail) => new(status, null, detail);
}
