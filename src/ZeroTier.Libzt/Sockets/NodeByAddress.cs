using System.Net;

namespace ZeroTier.Libzt.Sockets;

/// <summary>Derives the node from an address that contains its ID.</summary>
internal static class NodeByAddress
{
    /// <summary>The node that owns a 6PLANE or RFC 4193 address of the network, or null.</summary>
    /// <remarks>
    /// Not authenticated. ZeroTier itself answers neighbour solicitations for such addresses with the owner's MAC address, but libzt's
    /// stack also learns neighbours from members' packets and does not expose the source MAC address of a packet. So a member can use
    /// another member's address.
    /// </remarks>
    internal static NodeId? NodeOf(NetworkId network, IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        if (address.IsIPv4MappedToIPv6 || !address.TryWriteBytes(bytes, out int length) || length != 16)
        {
            return null;
        }

        int offset = bytes[0] switch
        {
            0xfc => 5,
            0xfd => 11,
            _ => -1,
        };
        if (offset < 0)
        {
            return null;
        }

        NodeId node = NodeId.Read(bytes[offset..]);
        IPAddress expected = offset == 5 ? network.GetSixPlaneAddress(node) : network.GetRfc4193Address(node);
        return !node.IsReserved && expected.Equals(address) ? node : null;
    }
}
