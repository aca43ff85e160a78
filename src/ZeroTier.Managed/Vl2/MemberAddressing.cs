using ZeroTier.Managed.Vl2.Configuration;
using ZeroTier.Managed.IpStack;

namespace ZeroTier.Managed.Vl2;

/// <summary>
/// The Ethernet and IPv6 addresses that are derived from the network ID and a member's node address
/// (docs/protocol/1-identity-and-crypto.md 1.15 and docs/protocol/3-vl2.md 3.1).
/// </summary>
internal readonly struct MemberAddressing
{
    /// <summary>Prefix length of the 6PLANE addresses of one network; each member owns a /80 inside.</summary>
    public const int SixPlanePrefixLength = NetworkConfiguration.SixPlanePrefixLength;

    /// <summary>Prefix length of the RFC 4193 addresses of one network.</summary>
    public const int Rfc4193PrefixLength = NetworkConfiguration.Rfc4193PrefixLength;

    private const ulong LowFortyBits = 0xff_ffff_ffff;

    private readonly NetworkId _network;
    private readonly ulong _mask;

    public MemberAddressing(NetworkId network)
    {
        _network = network;
        ulong n = network.Value;

        // 3.1.2: never 0x52, which hypervisors use.
        byte first = (byte)(n & 0xfe | 0x02);
        FirstOctet = first == 0x52 ? (byte)0x32 : first;
        _mask = (n >> 8 & 0xff) << 32 | (n >> 16 & 0xff) << 24 | (n >> 24 & 0xff) << 16 | (n >> 32 & 0xff) << 8 | n >> 40 & 0xff;

        SixPlanePrefix = Prefix(SixPlane(default), SixPlanePrefixLength);
        Rfc4193Prefix = Prefix(Rfc4193(default), Rfc4193PrefixLength);
    }

    /// <summary>The first octet of every member's Ethernet address.</summary>
    public byte FirstOctet { get; }

    public IpAddress SixPlanePrefix { get; }

    public IpAddress Rfc4193Prefix { get; }

    public MacAddress Mac(NodeId node) => new((ulong)FirstOctet << 40 | node.Value ^ _mask);

    /// <summary>
    /// The member that has an Ethernet address; false when the first octet is not this network's, or the node address is reserved.
    /// </summary>
    public bool TryGetNode(MacAddress mac, out NodeId node)
    {
        node = new NodeId((mac.Value ^ _mask) & LowFortyBits);
        return mac.Value >> 40 == FirstOctet && !node.IsReserved;
    }

    public IpAddress SixPlane(NodeId node) => IpAddress.From(_network.GetSixPlaneAddress(node));

    /// <summary>The member that owns a 6PLANE address: the whole /80 is its own.</summary>
    public bool TryGetSixPlaneNode(in IpAddress address, out NodeId node)
    {
        node = default;
        if (!address.IsInPrefix(SixPlanePrefix, SixPlanePrefixLength))
        {
            return false;
        }

        node = new NodeId((ulong)(address.Value >> 48) & LowFortyBits);
        return !node.IsReserved;
    }

    public IpAddress Rfc4193(NodeId node) => IpAddress.From(_network.GetRfc4193Address(node));

    /// <summary>The member that owns an RFC 4193 address.</summary>
    public bool TryGetRfc4193Node(in IpAddress address, out NodeId node)
    {
        node = default;
        if (!address.IsInPrefix(Rfc4193Prefix, Rfc4193PrefixLength))
        {
            return false;
        }

        node = new NodeId((ulong)address.Value & LowFortyBits);
        return !node.IsReserved;
    }

    /// <summary>The link-local address of an Ethernet address. The universal/local bit is cleared, not inverted (1.15).</summary>
    public static IpAddress LinkLocal(MacAddress mac) => mac.ToLinkLocal();

    private static IpAddress Prefix(in IpAddress address, int length) => IpAddress.FromIPv6(address.Value & ~(UInt128.MaxValue >> length));
}
