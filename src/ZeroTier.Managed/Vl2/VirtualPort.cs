using System.Buffers.Binary;
using ZeroTier.Managed.IpStack;
using ZeroTier.Managed.Vl1;

namespace ZeroTier.Managed.Vl2;

/// <summary>This node's Ethernet port on one configured network: frames of the stack become FRAME packets, and the other way round (chapter 3.7). Thread-safe.</summary>
internal sealed class VirtualPort : IFrameLink, INeighborResolver
{
    /// <summary>Of a FRAME before the Ethernet payload: network ID and ether type (3.7.2).</summary>
    internal const int FrameHeaderLength = 10;

    private const int NetworkIdLength = 8;
    private const byte FlagCertificate = 0x01;
    private const byte FlagWantsAnswer = 0x10;
    private readonly Vl1Node _vl1;
    private readonly Vl2DropCounters _drops;
    private readonly VirtualFrameBatchPool _batches;
    private FrameHandler? _receiver;

    public VirtualPort(Vl1Node vl1, NetworkConfiguration configuration, NodeId self, Vl2DropCounters drops)
    {
        _vl1 = vl1;
        _drops = drops;
        Configuration = configuration;
        Addressing = new MemberAddressing(configuration.Id);
        Mac = Addressing.Mac(self);
        _batches = new VirtualFrameBatchPool(this);
    }

    public NetworkConfiguration Configuration { get; }

    public MemberAddressing Addressing { get; }

    /// <summary>Our Ethernet address.</summary>
    public MacAddress Mac { get; }

    /// <summary>Begins delivery to the stack. Frames that come before are dropped.</summary>
    public void Start(FrameHandler receiver) => _receiver = receiver;

    /// <summary>Ends delivery.</summary>
    public void Stop() => _receiver = null;

    public FrameBatch BeginBatch() => _batches.Rent(_vl1.BeginBatch());

    /// <inheritdoc />
    public bool TryResolve(in IpAddress address, out MacAddress mac)
    {
        // 3.9: 6PLANE and RFC 4193 neighbours need no question.
        if (Addressing.TryGetSixPlaneNode(address, out var node) || Addressing.TryGetRfc4193Node(address, out node))
        {
            mac = Addressing.Mac(node);
            return true;
        }

        mac = default;
        return false;
    }

    /// <summary>A FRAME (3.7.2).</summary>
    /// <param name="sender">Who sent it, as VL1 proved.</param>
    /// <param name="payload">From the network ID on.</param>
    public PacketResult OnFrame(NodeId sender, ReadOnlySpan<byte> payload)
    {
        if (payload.Length <= FrameHeaderLength)
        {
            return Drop(Vl2Drop.Malformed, PacketResult.Ignored);
        }

        ushort etherType = BinaryPrimitives.ReadUInt16BigEndian(payload[NetworkIdLength..]);
        return Deliver(sender, Addressing.Mac(sender), Mac, etherType, payload[FrameHeaderLength..]);
    }

    /// <summary>An EXT_FRAME (3.7.3). There are no bridges on ad-hoc networks, so the sender speaks for itself only, and to us only.</summary>
    public PacketResult OnExtFrame(NodeId sender, ulong packetId, ReadOnlySpan<byte> payload)
    {
        const int AddressesLength = (2 * MacAddress.Length) + sizeof(ushort);
        if (payload.Length <= NetworkIdLength + 1)
        {
            return Drop(Vl2Drop.Malformed, PacketResult.Ignored);
        }

        byte flags = payload[NetworkIdLength];
        var rest = payload[(NetworkIdLength + 1)..];
        if (((flags & FlagCertificate) != 0 && !MembershipCertificate.TrySkip(ref rest)) || rest.Length <= AddressesLength)
        {
            return Drop(Vl2Drop.Malformed, PacketResult.Ignored);
        }

        var destination = MacAddress.Read(rest);
        var source = MacAddress.Read(rest[MacAddress.Length..]);
        ushort etherType = BinaryPrimitives.ReadUInt16BigEndian(rest[(2 * MacAddress.Length)..]);
        if (source == Mac || source != Addressing.Mac(sender))
        {
            return Drop(Vl2Drop.ForeignMac, PacketResult.Accepted);
        }

        if (destination != Mac)
        {
            return Drop(destination.IsMulticast ? Vl2Drop.Multicast : Vl2Drop.ForeignMac, PacketResult.Accepted);
        }

        var result = Deliver(sender, source, destination, etherType, rest[AddressesLength..]);
        if (result == PacketResult.Trusted && (flags & FlagWantsAnswer) != 0)
        {
            Answer(sender, packetId);
        }

        return result;
    }

    /// <summary>The rules and the addresses of a frame that is about to leave; its destination if it may.</summary>
    internal bool MaySend(MacAddress destination, ushort etherType, ReadOnlySpan<byte> frame, out NodeId member)
    {
        member = default;
        if (destination.IsMulticast)
        {
            // 3.10.1: the multicast limit is 0; neighbours are computed instead of asked for.
            _drops.Add(Vl2Drop.Multicast);
        }
        else if (destination == Mac || !Addressing.TryGetNode(destination, out member))
        {
            _drops.Add(Vl2Drop.NoMember);
        }
        else if (!Configuration.Filter.Accepts(etherType, frame))
        {
            _drops.Add(Vl2Drop.FilteredOut);
        }
        else
        {
            return true;
        }

        return false;
    }

    private PacketResult Deliver(NodeId sender, MacAddress source, MacAddress destination, ushort etherType, ReadOnlySpan<byte> frame)
    {
        if (!Configuration.Filter.Accepts(etherType, frame))
        {
            return Drop(Vl2Drop.FilteredIn, PacketResult.Accepted);
        }

        if (etherType == EtherTypes.IPv6 && !SourceCheck.IsOwn(Addressing, sender, frame))
        {
            return Drop(Vl2Drop.SpoofedSource, PacketResult.Accepted);
        }

        _receiver?.Invoke(source, destination, etherType, frame);
        return PacketResult.Trusted;
    }

    private PacketResult Drop(Vl2Drop reason, PacketResult result)
    {
        _drops.Add(reason);
        return result;
    }

    private void Answer(NodeId to, ulong packetId)
    {
        using var batch = _vl1.BeginBatch();
        var answer = batch.Reserve(1 + sizeof(ulong) + NetworkIdLength);
        answer[0] = (byte)Verb.ExtFrame;
        BinaryPrimitives.WriteUInt64BigEndian(answer[1..], packetId);
        BinaryPrimitives.WriteUInt64BigEndian(answer[9..], Configuration.Id.Value);
        batch.Commit(to, Verb.Ok);
        batch.Send();
    }
}
