using System.Collections.Immutable;
using ZeroTier.Managed.IpStack;
using ZeroTier.Managed.Vl1;

namespace ZeroTier.Managed.Vl2.Configuration;

/// <summary>
/// Which of the addresses and routes that a controller assigns this node takes: by default none that would draw in what is meant for the
/// public Internet.
/// </summary>
internal static class AssignmentPolicy
{
    /// <summary>The configuration without what is not taken.</summary>
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

    // By the first address of the range: a range around a private one, such as 10.0.0.0/5, is more than private.
    private static bool Takes(ZeroTierNetworkSettings settings, in IpRoute route) => settings.AllowManaged && (route.PrefixLength == 0
        ? settings.AllowDefault
        : settings.AllowGlobal || Scope(route.Network) is not (IpScope.Global or IpScope.None));

    private static IpScope Scope(in IpAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        return IpScopes.Of(InetEndPoint.FromBytes(bytes[..address.Write(bytes)], 0));
    }
}
