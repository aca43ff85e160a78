namespace ZeroTier.Managed.IpStack;

/// <summary>Why the stack dropped a packet.</summary>
internal enum IpDrop
{
    /// <summary>Invalid Ethernet source or destination.</summary>
    Frame,

    /// <summary>Neither ARP nor IP.</summary>
    EtherType,

    /// <summary>A header that is cut off or contradicts itself.</summary>
    Header,

    /// <summary>The IPv4 header checksum is wrong.</summary>
    Checksum,

    /// <summary>A source address that no host can have, or one of ours.</summary>
    Martian,

    /// <summary>A source address that belongs to another Ethernet address.</summary>
    Spoof,

    /// <summary>Not for us.</summary>
    Destination,

    /// <summary>An option or extension header because of which the packet must be dropped, or an IPv4 source route.</summary>
    Option,

    /// <summary>A fragment that is malformed or overlaps another.</summary>
    Fragment,

    /// <summary>An incomplete packet was evicted because a reassembly limit was reached.</summary>
    ReassemblyLimit,

    /// <summary>An incomplete packet timed out.</summary>
    ReassemblyTimeout,

    /// <summary>The transport protocol is not supported.</summary>
    Protocol,

    /// <summary>Outgoing: no address prefix and no route covers the destination.</summary>
    NoRoute,

    /// <summary>Outgoing: the next hop was not resolved, or its queue is full.</summary>
    Neighbor,

    /// <summary>To one of our own addresses: the loopback queue is full.</summary>
    Loopback,

    /// <summary>An ARP packet that is malformed, or whose sender is not the Ethernet source.</summary>
    Arp,

    /// <summary>A truncated ICMP message, a wrong checksum, or an error from a node that cannot have seen our packet.</summary>
    Icmp,

    /// <summary>An ICMP error of ours that the rate limit held back.</summary>
    IcmpRate,

    /// <summary>A neighbour discovery message that RFC 4861 says to ignore.</summary>
    NeighborDiscovery,

    /// <summary>A UDP header or checksum that is wrong.</summary>
    Udp,

    /// <summary>Nobody listens on the UDP port.</summary>
    UdpPort,

    /// <summary>The UDP socket's queue is full.</summary>
    UdpQueue,
}

/// <summary>Counts drops by reason. Thread-safe.</summary>
internal sealed class IpDropCounters
{
    // In the order of IpDrop. The names are part of the public statistics and must not change.
    private static readonly string[] Names =
    [
        "ip.frame", "ip.ethertype", "ip.header", "ip.checksum", "ip.martian", "ip.spoof", "ip.destination", "ip.option", "ip.fragment",
        "ip.reassembly-limit", "ip.reassembly-timeout", "ip.protocol", "ip.no-route", "ip.neighbor", "ip.loopback", "arp.malformed",
        "icmp.malformed", "icmp.rate-limit", "nd.malformed", "udp.malformed", "udp.port", "udp.queue",
    ];

    private readonly long[] _counts = new long[Names.Length];

    public long this[IpDrop reason] => Volatile.Read(ref _counts[(int)reason]);

    public void Count(IpDrop reason) => Interlocked.Increment(ref _counts[(int)reason]);

    /// <summary>Adds each count that is not zero to the table.</summary>
    public void AddTo(IDictionary<string, long> table)
    {
        for (int i = 0; i < Names.Length; i++)
        {
            long count = Volatile.Read(ref _counts[i]);
            if (count != 0)
            {
                table.TryGetValue(Names[i], out long before);
                table[Names[i]] = before + count;
            }
        }
    }
}
