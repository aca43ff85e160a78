namespace ZeroTier.Managed.IpStack;

/// <summary>
/// The configuration in force: our addresses, the link-local one included, and the decisions that follow from them and from the routes:
/// what is on the link, next hops, broadcast addresses, source addresses. Immutable.
/// </summary>
internal sealed class IpInterface
{
    private static readonly IpAddress LimitedBroadcast = IpAddress.FromIPv4(uint.MaxValue);
    private readonly IpInterfaceAddress[] _entries;
    private readonly RouteTable _routes;

    public IpInterface(MacAddress mac, IpConfiguration configuration)
    {
        Mtu = configuration.Mtu;
        var linkLocal = mac.ToLinkLocal();
        _entries = [new(linkLocal, 64), .. configuration.Addresses.ToArray().Where(entry => entry.Address != linkLocal)];
        _routes = new RouteTable(configuration.Routes);
    }

    /// <summary>Largest Ethernet payload in bytes.</summary>
    public int Mtu { get; }

    public ReadOnlySpan<IpInterfaceAddress> Entries => _entries;

    public bool Contains(in IpAddress address)
    {
        foreach (ref readonly var entry in Entries)
        {
            if (entry.Address == address)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>True when the address is inside one of our prefixes, so that its holder is a neighbour.</summary>
    public bool IsOnLink(in IpAddress address)
    {
        foreach (ref readonly var entry in Entries)
        {
            if (address.IsInPrefix(entry.Address, entry.PrefixLength))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The neighbour that takes packets for a unicast address: the address itself when it is on the link, or a gateway.</summary>
    /// <returns>False when there is no route.</returns>
    public bool TryGetNextHop(in IpAddress destination, out IpAddress nextHop)
    {
        nextHop = destination;
        return IsOnLink(destination) || (_routes.TryFind(destination, out nextHop) && (nextHop == destination || IsOnLink(nextHop)));
    }

    /// <summary>255.255.255.255 or the highest address of one of our IPv4 prefixes.</summary>
    public bool IsBroadcast(in IpAddress address)
    {
        if (address.IsIPv6)
        {
            return false;
        }

        if (address == LimitedBroadcast)
        {
            return true;
        }

        foreach (ref readonly var entry in Entries)
        {
            // RFC 3021: a /31 has no broadcast address.
            if (entry.PrefixLength < 31 && address.IsInPrefix(entry.Address, entry.PrefixLength)
                && ((uint)address.Value | (uint)(0xffff_ffffUL << (32 - entry.PrefixLength))) == uint.MaxValue)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// The groups that every IPv6 host belongs to: all nodes (interface- and link-local) and the solicited-node group of each address.
    /// </summary>
    public bool IsMemberOf(in IpAddress group)
    {
        if (group.IsIPv4)
        {
            return false;
        }

        if (group == MulticastMapping.AllNodes)
        {
            return true;
        }

        foreach (ref readonly var entry in Entries)
        {
            if (entry.Address.IsIPv6 && MulticastMapping.SolicitedNode(entry.Address) == group)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// Source address selection, as far as one link needs RFC 6724: the destination itself when ours, else the longest prefix that holds
    /// the next hop.
    /// </summary>
    public IpAddress? SelectSource(in IpAddress destination)
    {
        if (Contains(destination))
        {
            return destination;
        }

        bool group = destination.IsMulticast || IsBroadcast(destination);
        var neighbor = destination;
        if (!group && !TryGetNextHop(destination, out neighbor))
        {
            return null;
        }

        // A route without a gateway may make a range outside our prefixes on-link; then any address of the family is used.
        bool any = group || !IsOnLink(neighbor);
        IpAddress? best = null;
        int bestLength = -1;
        foreach (ref readonly var entry in Entries)
        {
            bool fits = any ? entry.Address.IsIPv4 == destination.IsIPv4 : neighbor.IsInPrefix(entry.Address, entry.PrefixLength);

            // Link-scope groups are best served by the link-local address; it is the only one with this prefix (RFC 6724, rule 2).
            int length = !any ? entry.PrefixLength : entry.Address.IsLinkLocal ? group ? 130 : 0 : 129 - entry.PrefixLength;
            if (fits && length > bestLength)
            {
                best = entry.Address;
                bestLength = length;
            }
        }

        return best;
    }
}
