namespace ZeroTier.Managed.IpStack;

/// <summary>
/// What changes while a stack runs: MTU, addresses, routes. Immutable; <see cref="IpStack.Configure"/> puts it in force as a whole.
/// </summary>
internal sealed class IpConfiguration
{
    private readonly IpInterfaceAddress[] _addresses;
    private readonly IpRoute[] _routes;

    /// <summary>Checks and copies.</summary>
    /// <param name="mtu">Largest Ethernet payload in bytes, 1280 to 65535.</param>
    /// <param name="addresses">Our addresses; one that is named twice counts once. The link-local IPv6 address is always there
    /// besides.</param>
    /// <param name="routes">Where else packets go than to the prefixes of our addresses.</param>
    /// <exception cref="ArgumentException">The MTU or a prefix length is out of range, or an address is one that no host can
    /// have.</exception>
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

    /// <summary>That of a port which has no addresses yet.</summary>
    public static IpConfiguration None { get; } = new(2800, []);

    public int Mtu { get; }

    public ReadOnlySpan<IpInterfaceAddress> Addresses => _addresses;

    public ReadOnlySpan<IpRoute> Routes => _routes;

    private static bool IsNoHost(in IpAddress address) => address.IsUnspecified || address.IsMulticast;

    private static bool IsPrefix(in IpAddress address, int length) => length >= 0 && length <= address.BitLength;
}
