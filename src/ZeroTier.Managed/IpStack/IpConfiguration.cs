namespace ZeroTier.Managed.IpStack;

/// <summary>
/// What can change while a stack runs: MTU, addresses, routes. Immutable; <see cref="IpStack.Configure"/> replaces it as a whole.
/// </summary>
internal sealed class IpConfiguration
{
    private readonly IpInterfaceAddress[] _addresses;
    private readonly IpRoute[] _routes;

    /// <summary>Validates and copies the arguments.</summary>
    /// <param name="mtu">Largest Ethernet payload in bytes, 1280 to 65535.</param>
    /// <param name="addresses">Our addresses; duplicates are ignored. The stack adds the link-local IPv6 address itself.</param>
    /// <param name="routes">Routes to destinations outside the prefixes of our addresses.</param>
    /// <exception cref="ArgumentException">The MTU or a prefix length is out of range, or an address or gateway is unspecified or
    /// multicast.</exception>
    public IpConfiguration(int mtu, ReadOnlySpan<IpInterfaceAddress> addresses, ReadOnlySpan<IpRoute> routes = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(mtu, IpHeader.IPv6MinimumMtu);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(mtu, ushort.MaxValue);
        var entries = new List<IpInterfaceAddress>(addresses.Length);
        foreach (var entry in addresses)
        {
            if (IsNoHost(entry.Address) || !IsPrefix(entry.Address, entry.PrefixLength))
            {
                throw new ArgumentException($"{entry.Address}/{entry.PrefixLength} cannot be an address of ours.", nameof(addresses));
            }

            if (!entries.Exists(other => other.Address == entry.Address))
            {
                entries.Add(entry);
            }
        }

        foreach (var route in routes)
        {
            if (!IsPrefix(route.Target, route.PrefixLength)
                || (route.Gateway is { } gateway && (IsNoHost(gateway) || gateway.IsIPv4 != route.Target.IsIPv4)))
            {
                throw new ArgumentException($"{route} cannot be a route.", nameof(routes));
            }
        }

        Mtu = mtu;
        _addresses = [.. entries];
        _routes = routes.ToArray();
    }

    /// <summary>The configuration of a port that has no addresses yet.</summary>
    public static IpConfiguration None { get; } = new(2800, []);

    public int Mtu { get; }

    public ReadOnlySpan<IpInterfaceAddress> Addresses => _addresses;

    public ReadOnlySpan<IpRoute> Routes => _routes;

    private static bool IsNoHost(in IpAddress address) => address.IsUnspecified || address.IsMulticast;

    private static bool IsPrefix(in IpAddress address, int length) => length >= 0 && length <= address.BitLength;
}
