using System.Net;
using System.Net.Sockets;

namespace ZeroTier.Engines;

/// <summary>Validates the argument of <see cref="IZeroTierDatagramSocket.JoinGroup"/>.</summary>
internal static class GroupAddress
{
    /// <summary>The group address, with IPv4-mapped addresses converted to IPv4.</summary>
    /// <exception cref="ArgumentException">It is not a multicast address.</exception>
    public static IPAddress Check(IPAddress group)
    {
        ArgumentNullException.ThrowIfNull(group);
        var address = group.IsIPv4MappedToIPv6 ? group.MapToIPv4() : group;
        bool isGroup = address.AddressFamily == AddressFamily.InterNetwork
            ? (address.GetAddressBytes()[0] & 0xf0) == 0xe0
            : address.IsIPv6Multicast;
        return isGroup
            ? address
            : throw new ArgumentException($"{group} is not a multicast group. Give an address in 224.0.0.0/4 or ff00::/8.", nameof(group));
    }
}
