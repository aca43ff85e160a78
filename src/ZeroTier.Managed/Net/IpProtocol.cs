namespace ZeroTier.Managed.Net;

/// <summary>IANA protocol numbers.</summary>
internal enum IpProtocol : byte
{
    HopByHopOptions = 0,
    Icmp = 1,
    Tcp = 6,
    Udp = 17,
    RoutingHeader = 43,
    FragmentHeader = 44,
    IcmpV6 = 58,
    NoNextHeader = 59,
    DestinationOptions = 60,
}
