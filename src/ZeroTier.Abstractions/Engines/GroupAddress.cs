using System.Net;
using System.Net.Sockets;

namespace ZeroTier.Engines;

/// <summary>The argument of <see cref="IZeroTierDatagramSocket.JoinGroup"/>.</summary>
internal static class GroupAddress
{
    /// <summary>The group, as the stacks take it: IPv4 in its own form.</summary>
    /// <exception cref="ArgumentException">It is no multicast address.</exception>
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
