using ZeroTier.Managed.IpStack;

namespace ZeroTier.Managed.Vl2;

/// <summary>
/// Whether the IP source inside a frame may come from the member that sent it. VL1 proves the sender's node address; on an ad-hoc network every IP address
/// follows from it, so a member can only ever speak for itself.
/// </summary>
internal static class SourceCheck
{
    private const int Ipv6HeaderLength = 40;
    private const int LinkLocalPrefixLength = 10;
    private static readonly IpAddress LinkLocalPrefix = IpAddress.FromIPv6((UInt128)0xfe80 << 112);

    /// <summary>True when the IPv6 packet's source belongs to the sender, or is unspecified (duplicate address detection). Too short a packet passes: the stack drops it.</summary>
    public static bool IsOwn(in MemberAddressing addressing, NodeId sender, ReadOnlySpan<byte> packet)
    {
        if (packet.Length < Ipv6HeaderLength)
        {
            return true;
        }

        var source = IpAddress.ReadIPv6(packet[8..]);
        if (addressing.TryGetSixPlaneNode(source, out var owner) || addressing.TryGetRfc4193Node(source, out owner))
        {
            return owner == sender;
        }

        return source.IsInPrefix(LinkLocalPrefix, LinkLocalPrefixLength)
            ? source == MemberAddressing.LinkLocal(addressing.Mac(sender))
            : source.IsUnspecified;
    }
}
