using System.Buffers.Binary;
using ZeroTier.Managed.Vl1;
using ZeroTier.Managed.Vl2.Configuration;
using ZeroTier.Managed.Vl2.Membership;
using ZeroTier.Managed.Vl2.Multicast;
using ZeroTier.Managed.Vl2.Rules;

namespace ZeroTier.Managed.Vl2;

/// <summary>Frames to groups and to Ethernet addresses behind bridges (docs/protocol/3-vl2.md 3.7.4, 3.8, 3.9).</summary>
internal sealed partial class VirtualPort
{
    private const int MaxBridges = 32;
    private const int ArpLength = 28;

    /// <summary>Subscribers of groups, and sending to them.</summary>
    public NetworkMulticast Multicast { get; }

    IEnumerable<NodeId> IMulticastPort.KnownMembers => _gate.Known;

    /// <inheritdoc />
    public void Join(MacAddress group) => Multicast.Join(new MulticastGroup(group, 0));

    /// <inheritdoc />
    public void Leave(MacAddress group) => Multicast.Leave(new MulticastGroup(group, 0));

    /// <summary>VL1's control tick.</summary>
    public void OnTick(long now) => Multicast.OnTick(now);

    /// <summary>Handles a MULTICAST_FRAME (3.8.4).</summary>
    /// <param name="peer">The sender, authenticated by VL1.</param>
    /// <param name="info">The packet's reception.</param>
    /// <param name="payload">The payload, from the network ID on.</param>
    public PacketResult OnMulticastFrame(Peer peer, in PacketInfo info, ReadOnlySpan<byte> payload)
    {
        if (_configuration is not { } configuration)
        {
            return Drop(Vl2Drop.NotJoined, PacketResult.Ignored);
        }

        if (!MulticastFrame.TryRead(payload, out MulticastFrame multicast))
        {
            return Drop(Vl2Drop.Malformed, PacketResult.Ignored);
        }

        if (!IsAdmitted(configuration, peer, info, Verb.MulticastFrame, out var shown))
        {
            return PacketResult.Hold;
        }

        MacAddress source = multicast.Source ?? Addressing.Mac(peer.Id);
        if (configuration.MulticastLimit == 0
            || !multicast.Group.Mac.IsMulticast
            || source == default
            || source.IsMulticast
            || source == Mac)
        {
            return Drop(Vl2Drop.Multicast, PacketResult.Accepted);
        }

        if (multicast.IsToBeReplicated)
        {
            Multicast.Replicate(configuration, peer.Id, source, multicast);
        }

        PacketResult result = Receive(
            configuration, peer, info, Verb.MulticastFrame, shown, source, multicast.Group.Mac, multicast.EtherType, multicast.Frame);
        if (multicast.GatherLimit > 0 && Multicast.Find(multicast.Group, peer.Id, multicast.GatherLimit) is { Members.Count: > 0 } found)
        {
            byte[] members = MulticastPackets.Members(found.Total, found.Members);
            byte[] answer = new byte[MulticastPackets.GroupLength + 1 + members.Length];
            MulticastPackets.WriteGroup(answer, _network, multicast.Group);
            answer[MulticastPackets.GroupLength] = MulticastPackets.HasMembers;
            members.CopyTo(answer.AsSpan(MulticastPackets.GroupLength + 1));
            _vl1.ReplyOk(peer, info, Verb.MulticastFrame, answer);
        }

        return result;
    }

    /// <summary>Handles an entry of MULTICAST_LIKE (3.8.2). False when the peer is not known to be a member.</summary>
    public bool OnLike(Peer peer, MulticastGroup group)
    {
        if (_configuration is not { } configuration || !_gate.IsMember(configuration, peer))
        {
            return false;
        }

        Multicast.OnLike(peer.Id, group);
        return true;
    }

    /// <summary>Handles a MULTICAST_GATHER (3.8.3). The payload begins with the network ID.</summary>
    public PacketResult OnGather(Peer peer, in PacketInfo info, ReadOnlySpan<byte> payload)
    {
        if (_configuration is not { } configuration || !MulticastPackets.TryReadGather(payload, out MulticastGroup group, out int wanted))
        {
            return PacketResult.Ignored;
        }

        if (!_gate.IsMember(configuration, peer))
        {
            return PacketResult.Ignored;
        }

        var (total, members) = Multicast.Find(group, peer.Id, wanted);
        if (members.Count > 0)
        {
            _vl1.ReplyOk(peer, info, Verb.MulticastGather, MulticastPackets.GatherAnswer(_network, group, total, members));
        }

        return PacketResult.Trusted;
    }

    /// <summary>Handles the OK to a MULTICAST_GATHER or MULTICAST_FRAME of ours. The data begin with the network ID.</summary>
    public PacketResult OnGroupMembers(Verb answered, ReadOnlySpan<byte> data)
    {
        var members = new List<NodeId>();
        ReadOnlySpan<byte> list = data.Length < MulticastPackets.GroupLength ? default : data[MulticastPackets.GroupLength..];
        if (answered == Verb.MulticastFrame && !MulticastPackets.TrySkipFlags(ref list))
        {
            return PacketResult.Accepted;
        }

        if (!MulticastPackets.TryReadMembers(list, members))
        {
            return Drop(Vl2Drop.Malformed, PacketResult.Ignored);
        }

        Multicast.OnMembers(MulticastPackets.ReadGroup(data), members);
        return PacketResult.Accepted;
    }

    /// <summary>Handles ERROR 0x08: the peer is not subscribed to a group. The data begin with the network ID.</summary>
    public PacketResult OnUnwantedMulticast(Peer peer, ReadOnlySpan<byte> data)
    {
        if (data.Length < MulticastPackets.GroupLength || _configuration is not { } configuration || !_gate.IsMember(configuration, peer))
        {
            return PacketResult.Ignored;
        }

        Multicast.OnUnwanted(peer.Id, MulticastPackets.ReadGroup(data));
        return PacketResult.Accepted;
    }

    bool IMulticastPort.MayReceive(
        NetworkConfiguration configuration, NodeId member, MacAddress destination, ushort etherType, ReadOnlySpan<byte> frame) =>
        PassesOut(configuration, member, destination, etherType, frame, copies: false);

    void IMulticastPort.BeforeSend(NetworkConfiguration configuration, NodeId member) => _gate.BeforeSend(configuration, member);

    private void SendMulticast(NetworkConfiguration configuration, MacAddress destination, ushort etherType, ReadOnlySpan<byte> frame)
    {
        if (configuration.MulticastLimit == 0 || !TryMapGroup(configuration, destination, etherType, frame, out MulticastGroup group))
        {
            _drops.Add(Vl2Drop.Multicast);
        }
        else if (PassesOut(configuration, member: default, destination, etherType, frame))
        {
            Multicast.Send(configuration, group, etherType, frame);
        }
    }

    // 3.9: an ARP packet for an IPv4 address is sent to the multicast group of that address alone, which is allowed even where broadcast is
    // not.
    private static bool TryMapGroup(
        NetworkConfiguration configuration, MacAddress destination, ushort etherType, ReadOnlySpan<byte> frame, out MulticastGroup group)
    {
        group = new MulticastGroup(destination, 0);
        if (destination != MacAddress.Broadcast)
        {
            return true;
        }

        if (etherType == EtherTypes.Arp && frame.Length >= ArpLength &&
            BinaryPrimitives.ReadUInt16BigEndian(frame[2..]) == EtherTypes.IPv4 &&
            frame[4] == MacAddress.Length && frame[5] == 4 && frame[7] == 1)
        {
            group = new MulticastGroup(destination, BinaryPrimitives.ReadUInt32BigEndian(frame[24..]));
            return true;
        }

        return configuration.Flags.HasFlag(NetworkFlags.Broadcast);
    }

    private void SendToBridge(NetworkConfiguration configuration, MacAddress destination, ushort etherType, ReadOnlySpan<byte> frame)
    {
        ReadOnlySpan<NodeId> bridges = configuration.ActiveBridges.AsSpan();
        if (_bridges.TryFind(destination, out NodeId known) && known != _vl1.Id && bridges.IndexOf(known) is >= 0 and var at)
        {
            bridges = bridges.Slice(at, 1);
        }

        if (bridges.IsEmpty || (bridges.Length == 1 && bridges[0] == _vl1.Id))
        {
            _drops.Add(Vl2Drop.NoMember);
            return;
        }

        if (!PassesOut(configuration, member: default, destination, etherType, frame))
        {
            return;
        }

        FrameContext context = Outgoing(configuration, member: default, destination, etherType, frame);
        foreach (NodeId bridge in bridges[..Math.Min(bridges.Length, MaxBridges)])
        {
            if (bridge != _vl1.Id && PassesOut(configuration, bridge, destination, etherType, frame, copies: false))
            {
                SendExtFrame(bridge, FrameKind.Normal, context, frame.Length);
            }
        }
    }
}
