using System.Collections.Immutable;
using ZeroTier.Managed.IpStack;
using ZeroTier.Managed.Vl1;

namespace ZeroTier.Managed.Vl2.Configuration;

/// <summary>
/// Which of the addresses and routes that a controller assigns this node takes: by default none that would draw in what is meant for the public Internet. As
/// ZeroTierOne's settings <c>allowGlobal</c> and <c>allowDefault</c>.
/// </summary>
/// <param name="AllowsGlobal">Globally routable addresses, and routes to them.</param>
/// <param name="AllowsDefault">0.0.0.0/0 and ::/0.</param>
internal sealed record AssignmentPolicy(bool AllowsGlobal, bool AllowsDefault)
{
    public static AssignmentPolicy Strict { get; } = new(AllowsGlobal: false, AllowsDefault: false);

    /// <summary>The configuration without what is not taken.</summary>
    public NetworkConfiguration Apply(NetworkConfiguration configuration)
    {
        ImmutableArray<IpInterfaceAddress> addresses = configuration.Addresses.RemoveAll(a => !Takes(a.Address));
        return configuration with
        {
            Addresses = addresses,
            RefusedAddresses = configuration.Addresses.RemoveRange(addresses),
            Routes = configuration.Routes.RemoveAll(r => !Takes(r)),
        };
    }

    private bool Takes(in IpAddress address) => AllowsGlobal || Scope(address) != IpScope.Global;

    // By the first address of the range: a range around a private one, such as 10.0.0.0/5, is more than private.
    private bool Takes(in IpRoute route) => route.PrefixLength == 0
        ? AllowsDefault
        : AllowsGlobal || Scope(route.Network) is not (IpScope.Global or IpScope.None);

    private static IpScope Scope(in IpAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        return IpScopes.Of(InetEndPoint.FromBytes(bytes[..address.Write(bytes)], 0));
    }
}
