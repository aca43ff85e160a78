namespace ZeroTier.Managed.IpStack;

/// <summary>Maps IP multicast groups to Ethernet groups.</summary>
internal static class MulticastMapping
{
    private static readonly UInt128 SolicitedNodePrefix = new(0xff02_0000_0000_0000, 0x0000_0001_ff00_0000);

    /// <summary>ff02::1, every node on the link.</summary>
    public static IpAddress AllNodes { get; } = IpAddress.FromIPv6(new UInt128(0xff02_0000_0000_0000, 1));

    /// <summary>The group in which an IPv6 address is solicited (RFC 4291, 2.7.1).</summary>
    public static IpAddress SolicitedNode(in IpAddress address) => IpAddress.FromIPv6(SolicitedNodePrefix | (address.Value & 0xff_ffff));

    /// <summary>The Ethernet group of an IP multicast address: RFC 1112, 6.4 and RFC 2464, 7.</summary>
    public static MacAddress ToEthernet(in IpAddress multicast) => multicast.IsIPv4
        ? new MacAddress(0x0100_5e00_0000UL | (ulong)multicast.Value & 0x7f_ffff)
        : new MacAddress(0x3333_0000_0000UL | (uint)multicast.Value);
}
