using System.Net;

namespace ZeroTier.Libzt.Sockets;

/// <summary>The data of a joined network that the socket loop needs.</summary>
/// <param name="Id">The network.</param>
/// <param name="Addresses">The node's addresses on the network at the last poll.</param>
internal sealed record NetworkView(NetworkId Id, IReadOnlyList<IPNetworkAddress> Addresses)
{
    /// <summary>
    /// The node's own address in the subnet of the destination; null when there is none. libzt installs no routes, so other destinations
    /// are unreachable (docs/protocol/4-libzt-api.md 4.5).
    /// </summary>
    internal IPAddress? SourceFor(IPAddress destination)
    {
        foreach (IPNetworkAddress own in Addresses)
        {
            if (own.Contains(destination))
            {
                return own.Address;
            }
        }

        return null;
    }

    /// <summary>Whether the address is one of the node's own.</summary>
    internal bool Has(IPAddress address)
    {
        foreach (IPNetworkAddress own in Addresses)
        {
            if (own.Address.Equals(address))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The addresses to bind for an endpoint.</summary>
    /// <exception cref="ZeroTierException">There is none, or the address is not one of the node's.</exception>
    internal IReadOnlyList<IPAddress> Select(ZeroTierEndPoint endPoint)
    {
        if (Addresses.Count == 0)
        {
            throw new ZeroTierException(
                ZeroTierError.NetworkUnavailable, $"Network {Id} has given this node no address yet. Wait for the network first.");
        }

        if (endPoint.Address is not { } address)
        {
            return [.. Addresses.Select(a => a.Address)];
        }

        return Has(address)
            ? [address]
            : throw new ZeroTierException(
                ZeroTierError.AddressNotAvailable,
                $"{address} is not an address of this node on network {Id}; it has {string.Join(", ", Addresses.Select(a => a.Address))}. "
                + "Leave the address out to use all of them.");
    }
}
