using System.Collections.Immutable;
using ZeroTier.Managed.IpStack;
using ZeroTier.Managed.Vl1;

namespace ZeroTier.Managed.Vl2.Configuration;

/// <summary>
/// Decides which of the addresses and routes that a controller assigns this node accepts: by default none that would divert traffic to the
/// public Internet into the network.
/// </summary>
internal static class AssignmentPolicy
{
    /// <summary>The configuration without addresses and routes that are not accepted.</summary>
    public static NetworkConfiguration Apply(NetworkConfiguration configuration, ZeroTierNetworkSettings settings)
    {
        ImmutableArray<IpInterfaceAddress> addresses = configuration.Addresses.RemoveAll(a => !Takes(settings, a.Address));
        ImmutableArray<IpRoute> routes = configuration.Routes.RemoveAll(r => !Takes(settings, r));
        return addresses == configuration.Addresses && routes == configuration.Routes ? configuration : configuration with
        {
            Addresses = addresses,
            RefusedAddresses = configuration.Addresses.RemoveRange(addresses),
            Routes = routes,
        };
    }

    private static bool Takes(ZeroTierNetworkSettings settings, in IpAddress address) =>
        settings.AllowManaged && (settings.AllowGlobal || Scope(address) != IpScope.Global);

    // Judged by the first address of the prefix. So 10.0.0.0/5, which begins at 8.0.0.0, is not private.
    private static bool Takes(ZeroTierNetworkSettings settings, in IpRoute route) => settings.AllowManaged && (route.PrefixLength == 0
        ? settings.AllowDefault
        : settings.AllowGlobal || Scope(route.Network) is not (IpScope.Global or IpScope.None));

    private static IpScope Scope(in IpAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        return IpScopes.Of(InetEndPoint.FromBytes(bytes[..address.Write(bytes)], 0));
    }
}
