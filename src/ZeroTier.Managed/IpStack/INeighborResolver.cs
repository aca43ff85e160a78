namespace ZeroTier.Managed.IpStack;

/// <summary>Resolves neighbours whose Ethernet address can be computed from their IP address. Thread-safe.</summary>
internal interface INeighborResolver
{
    /// <summary>
    /// True when the Ethernet address can be computed from the IP address. ARP and neighbour discovery are then not used for it, and the
    /// link delivers packets with this source only from that Ethernet address.
    /// </summary>
    bool TryResolve(in IpAddress address, out MacAddress mac);
}
