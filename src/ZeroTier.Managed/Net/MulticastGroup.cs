namespace ZeroTier.Managed.Net;

/// <summary>A multicast group of a virtual network.</summary>
/// <param name="Mac">The group's Ethernet address.</param>
/// <param name="Adi">
/// Additional distinguishing information, which separates groups with the same Ethernet address: for ARP the IPv4 address that is
/// asked for, else 0 (docs/protocol/3-vl2.md 3.8.1).
/// </param>
internal readonly record struct MulticastGroup(MacAddress Mac, uint Adi)
{
    /// <summary>The group to which ARP requests or neighbour solicitations for an address are sent.</summary>
    public static MulticastGroup ForResolution(in IpAddress address) => address.IsIPv4
        ? new(MacAddress.Broadcast, (uint)address.Value)
        : new(new MacAddress(0x3333_ff00_0000 | (ulong)address.Value & 0xff_ffff), 0);
}
