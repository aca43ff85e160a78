namespace ZeroTier.Managed.IpStack;

/// <summary>Knows neighbours whose Ethernet address follows from their IP address. Thread-safe.</summary>
internal interface INeighborResolver
{
    /// <summary>
    /// True when the address's owner is a matter of arithmetic. It is then never asked for by ARP or neighbour discovery, and the link delivers packets
    /// that carry it as their source from that Ethernet address only.
    /// </summary>
    bool TryResolve(in IpAddress address, out MacAddress mac);
}
