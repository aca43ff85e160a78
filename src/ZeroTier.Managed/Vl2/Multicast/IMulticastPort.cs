using ZeroTier.Managed.Vl2.Configuration;

namespace ZeroTier.Managed.Vl2.Multicast;

/// <summary>What multicast needs of the port that it belongs to. Calls come without locks.</summary>
internal interface IMulticastPort
{
    /// <summary>Our Ethernet address.</summary>
    MacAddress Mac { get; }

    /// <summary>Nodes that have shown a certificate of membership.</summary>
    IEnumerable<NodeId> KnownMembers { get; }

    /// <summary>Whether the rules let one copy leave for a member. Sends no further copies.</summary>
    bool MayReceive(NetworkConfiguration configuration, NodeId member, MacAddress destination, ushort etherType, ReadOnlySpan<byte> frame);

    /// <summary>A packet is about to leave for a member: the moment to show it our credentials, if they are due.</summary>
    void BeforeSend(NetworkConfiguration configuration, NodeId member);
}
