using ZeroTier.Managed.Vl2.Configuration;

namespace ZeroTier.Managed.Vl2.Multicast;

/// <summary>What <see cref="NetworkMulticast"/> needs of its port. Methods are called without locks.</summary>
internal interface IMulticastPort
{
    /// <summary>Our Ethernet address.</summary>
    MacAddress Mac { get; }

    /// <summary>Nodes that have presented a certificate of membership.</summary>
    IEnumerable<NodeId> KnownMembers { get; }

    /// <summary>Whether the rules allow sending a frame to a member. Does not send the copies that rules may demand (tee, watch).</summary>
    bool MayReceive(NetworkConfiguration configuration, NodeId member, MacAddress destination, ushort etherType, ReadOnlySpan<byte> frame);

    /// <summary>Called before a packet is sent to a member: presents our credentials to it if that is due.</summary>
    void BeforeSend(NetworkConfiguration configuration, NodeId member);
}
