using System.Net;

namespace ZeroTier.Libzt.Sockets;

/// <summary>Whose address it is, where the address itself says so.</summary>
internal static class ProvenAddress
{
    /// <summary>The node that owns a 6PLANE or RFC 4193 address of the network, or null.</summary>
    /// <remarks>
    /// ZeroTier answers neighbour discovery for such addresses itself, and derives the Ethernet address from them: what is sent there goes to that very node,
    /// whoever claims the address. So the other end of a TCP connection is proven once the handshake is complete, since it must have received our half of it.
    /// A datagram proves nothing: its source address is only a claim.
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
