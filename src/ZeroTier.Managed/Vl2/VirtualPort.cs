using System.Buffers.Binary;
using ZeroTier.Managed.IpStack;
using ZeroTier.Managed.Vl1;
using ZeroTier.Managed.Vl2.Configuration;
using ZeroTier.Managed.Vl2.Credentials;
using ZeroTier.Managed.Vl2.Membership;
using ZeroTier.Managed.Vl2.Multicast;
using ZeroTier.Managed.Vl2.Rules;

namespace ZeroTier.Managed.Vl2;

/// <summary>
/// This node's Ethernet port on one network: sends frames of the stack as FRAME packets, and passes received ones to the stack
/// (docs/protocol/3-vl2.md 3.7). It exists from the moment of joining; without a configuration all frames are dropped. Thread-safe.
/// </summary>
/// <remarks>
/// A received frame passes, in this order: membership gate, rules, check of Ethernet addresses, check of the IP address's owner, stack. The
/// configuration is read once per frame.
/// </remarks>
internal sealed partial class VirtualPort : IFrameLink, INeighborResolver, IMulticastPort
{
    /// <summary>Bytes of a FRAME before the Ethernet payload: network ID and EtherType (3.7.2).</summary>
    internal const int FrameHeaderLength = 10;

    /// <summary>The longest Ethernet payload that a packet can carry, whatever the network's MTU.</summary>
    internal const int MaxFrameLength = Vl1Batch.MaxPayload - ExtFrameHeaderLength;

    private const int NetworkIdLength = 8;
    private const int AddressesLength = (2 * MacAddress.Length) + sizeof(ushort);
    private const int ExtFrameHeaderLength = NetworkIdLength + 1 + AddressesLength;
    private const byte FlagCertificate = 0x01;
    private const byte FlagWantsAnswer = 0x10;
    private const byte FlagsOfKind = 0x1e;

    private readonly Vl1Node _vl1;
    private readonly NetworkId _network;
    private readonly IMembershipGate _gate;
    private readonly SourceAddressCheck _sourceCheck;
    private readonly Vl2DropCounters _drops;
    private readonly IdlePool<VirtualFrameBatch> _batches = new();
    private readonly BridgeTable _bridges = new();
    private volatile NetworkConfiguration? _configuration;
    private volatile FrameDelivery? _receiver;

    public VirtualPort(Vl1Node vl1, NetworkId network, IMembershipGate gate, Vl2DropCounters drops)
    {
        _vl1 = vl1;
        _network = network;
        _gate = gate;
        _sourceCheck = new SourceAddressCheck(network, gate);
        Multicast = new NetworkMulticast(vl1, network, this);
        _drops = drops;
        Addressing = new MemberAddressing(network);
        Mac = Addressing.Mac(vl1.Id);
    }

    public MemberAddressing Addressing { get; }

    /// <summary>Our Ethernet address.</summary>
    public MacAddress Mac { get; }

    /// <summary>Puts a configuration in force, from the next frame on.</summary>
    public void Configure(NetworkConfiguration configuration)
    {
        _configuration = configuration;
        Multicast.Configure(configuration);
    }

    /// <summary>
    /// Called for each received frame in which a member uses an address of ours; the frame is dropped. Set before <see cref="Start"/>.
    /// </summary>
    public Action<NodeId, IpAddress>? AddressClaimed { get; set; }

    /// <summary>Starts delivery to the stack. Frames received before are dropped.</summary>
    public void Start(FrameDelivery receiver) => _receiver = receiver;

    /// <summary>Stops delivery.</summary>
    public void Stop() => _receiver = null;

    public FrameBatch BeginBatch()
    {
        var batch = _batches.TryTake() ?? new VirtualFrameBatch(this, _batches);
        batch.Begin(_vl1.BeginBatch());
        return batch;
    }

    /// <inheritdoc />
    public int UnfragmentedPayload(MacAddress destination) => Addressing.TryGetNode(destination, out var member)
        ? PayloadOf(_vl1.FindMtu(member)?.Size ?? PathMtu.Base)
        : PathMtu.Usual - PacketHeader.Size - ExtFrameHeaderLength; // Behind a bridge: an EXT_FRAME to that member.

    /// <inheritdoc />
    public int ExpectedPayload(MacAddress destination) =>
        PayloadOf(Addressing.TryGetNode(destination, out var member) && _vl1.FindMtu(member) is { } mtu ? mtu.Expected : PathMtu.Max);

    /// <inheritdoc />
    public void Doubt(MacAddress destination)
    {
        if (Addressing.TryGetNode(destination, out var member))
        {
            _vl1.DoubtSize(member);
        }
    }

    /// <inheritdoc />
    public bool TryResolve(in IpAddress address, out MacAddress mac)
    {
        // 3.9: the Ethernet address of a 6PLANE or RFC 4193 address is computed.
        if (Addressing.TryGetSixPlaneNode(address, out var node) || Addressing.TryGetRfc4193Node(address, out node))
        {
            mac = Addressing.Mac(node);
            return true;
        }

        mac = default;
        return false;
    }

    /// <summary>Handles a FRAME (3.7.2).</summary>
    /// <param name="peer">The sender, authenticated by VL1.</param>
    /// <param name="info">The packet's reception.</param>
    /// <param name="payload">The payload, from the network ID on.</param>
    public PacketResult OnFrame(Peer peer, in PacketInfo info, ReadOnlySpan<byte> payload)
    {
        if (_configuration is not { } configuration)
        {
            return Drop(Vl2Drop.NotJoined, PacketResult.Ignored);
        }

        if (payload.Length <= FrameHeaderLength)
        {
            return Drop(Vl2Drop.Malformed, PacketResult.Ignored);
        }

        if (!IsAdmitted(configuration, peer, info, Verb.Frame, out var shown))
        {
            return PacketResult.Hold;
        }

        ushort etherType = BinaryPrimitives.ReadUInt16BigEndian(payload[NetworkIdLength..]);
        return Receive(configuration, peer, info, Verb.Frame, shown, Addressing.Mac(peer.Id), Mac, etherType, payload[FrameHeaderLength..]);
    }

    /// <summary>Handles an EXT_FRAME (3.7.3).</summary>
    /// <param name="peer">The sender, authenticated by VL1.</param>
    /// <param name="info">The packet's reception.</param>
    /// <param name="payload">The payload, from the network ID on.</param>
    public PacketResult OnExtFrame(Peer peer, in PacketInfo info, ReadOnlySpan<byte> payload)
    {
        if (_configuration is not { } configuration)
        {
            return Drop(Vl2Drop.NotJoined, PacketResult.Ignored);
        }

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

        if (!IsAdmitted(configuration, peer, info, Verb.ExtFrame, out var shown))
        {
            return PacketResult.Hold;
        }

        var destination = MacAddress.Read(rest);
        var source = MacAddress.Read(rest[MacAddress.Length..]);
        ushort etherType = BinaryPrimitives.ReadUInt16BigEndian(rest[(2 * MacAddress.Length)..]);
        if (source == Mac || source == default)
        {
            return Drop(Vl2Drop.ForeignMac, PacketResult.Accepted);
        }

        var kind = (FrameKind)(flags & FlagsOfKind);
        var result = Receive(
            configuration, peer, info, Verb.ExtFrame, shown, source, destination, etherType, rest[AddressesLength..], kind);
        if (result == PacketResult.Trusted && (flags & FlagWantsAnswer) != 0)
        {
            Span<byte> network = stackalloc byte[NetworkIdLength];
            BinaryPrimitives.WriteUInt64BigEndian(network, _network.Value);
            _vl1.ReplyOk(peer, info, Verb.ExtFrame, network);
        }

        return result;
    }

    /// <summary>
    /// Handles a frame of the stack. True, with the destination, when the caller is to send it as a FRAME to one member; false when it was
    /// sent in another way, or dropped.
    /// </summary>
    internal bool MaySend(MacAddress destination, ushort etherType, ReadOnlySpan<byte> frame, out NodeId member)
    {
        member = default;
        if (_configuration is not { } configuration)
        {
            _drops.Add(Vl2Drop.NotJoined);
        }
        else if (destination.IsMulticast)
        {
            SendMulticast(configuration, destination, etherType, frame);
        }
        else if (destination == Mac)
        {
            _drops.Add(Vl2Drop.NoMember);
        }
        else if (!Addressing.TryGetNode(destination, out member))
        {
            SendToBridge(configuration, destination, etherType, frame);
        }
        else if (PassesOut(configuration, member, destination, etherType, frame))
        {
            _gate.BeforeSend(configuration, member);
            return true;
        }

        return false;
    }

    /// <summary>Writes the network ID and EtherType before a frame (3.7.2).</summary>
    internal void WriteFrameHeader(Span<byte> packet, ushort etherType)
    {
        BinaryPrimitives.WriteUInt64BigEndian(packet, _network.Value);
        BinaryPrimitives.WriteUInt16BigEndian(packet[NetworkIdLength..], etherType);
    }

    private static int PayloadOf(int datagram) => datagram - PacketHeader.Size - FrameHeaderLength;

    private bool IsAdmitted(NetworkConfiguration configuration, Peer peer, in PacketInfo info, Verb verb, out IMemberCredentials? shown)
    {
        var admission = _gate.Admit(configuration, peer, out shown);
        if (admission != Admission.Admitted)
        {
            _drops.Add(Vl2Drop.NoMembership);
        }

        if (admission == Admission.HoldAndAsk)
        {
            AskForCredentials(peer, info, verb);
        }

        return admission == Admission.Admitted;
    }

    /// <summary>
    /// Asks a member whose credentials we do not have for them, at most once a second. Sends our own first, since a member does not send
    /// its credentials to a node that has presented none; then ERROR 0x06, which members accept also if they have sent us no frame
    /// (docs/protocol/3-vl2.md 3.5.9).
    /// </summary>
    public void AskForCredentials(NodeId member)
    {
        if (_configuration is not { } configuration || member == _vl1.Id || !_gate.ShouldAsk(member))
        {
            return;
        }

        _gate.BeforeSend(configuration, member);
        Span<byte> error = stackalloc byte[1 + sizeof(ulong) + 1 + NetworkIdLength];
        error.Clear();
        error[0] = (byte)Verb.Frame;
        error[1 + sizeof(ulong)] = (byte)ErrorCode.NeedMembershipCertificate;
        BinaryPrimitives.WriteUInt64BigEndian(error[^NetworkIdLength..], _network.Value);
        _vl1.Send(member, Verb.Error, error);
    }

    private void AskForCredentials(Peer peer, in PacketInfo info, Verb verb)
    {
        Span<byte> network = stackalloc byte[NetworkIdLength];
        BinaryPrimitives.WriteUInt64BigEndian(network, _network.Value);
        _vl1.ReplyError(peer, info, verb, ErrorCode.NeedMembershipCertificate, network);
    }

    private PacketResult Receive(
        NetworkConfiguration configuration,
        Peer peer,
        in PacketInfo info,
        Verb verb,
        IMemberCredentials? shown,
        MacAddress source,
        MacAddress destination,
        ushort etherType,
        ReadOnlySpan<byte> frame,
        FrameKind kind = FrameKind.Normal)
    {
        var context = new FrameContext
        {
            IsInbound = true,
            Self = _vl1.Id,
            Source = peer.Id,
            Destination = _vl1.Id,
            SourceMac = source,
            DestinationMac = destination,
            EtherType = etherType,
            Frame = frame,
            Own = configuration.Own,
            Remote = shown,
        };
        var verdict = configuration.Filter.Evaluate(context);
        if (verdict.Action == FrameAction.Drop)
        {
            Capture(context, configuration, kind, Filtered);
            return Drop(Vl2Drop.FilteredIn, PacketResult.Accepted);
        }

        SendCopies(configuration, verdict, context);
        if (verdict.Action == FrameAction.Redirect)
        {
            Capture(context, configuration, kind, Redirected);
            SendExtFrame(verdict.RedirectTo, FrameKind.RedirectIn, context, frame.Length);
            return PacketResult.Trusted;
        }

        // A frame that we only observe has other addresses, which nobody can check. The stack ignores unicast frames that are not addressed
        // to us, but would take an observed frame to a group as sent to it: that ends here. All other frames are checked.
        bool isObserved = verdict.Action == FrameAction.SuperAccept && destination != Mac;
        if (isObserved && destination.IsMulticast)
        {
            if (IsForeign(configuration, peer.Id, source))
            {
                Capture(context, configuration, kind, fate: default);
                return PacketResult.Trusted;
            }

            isObserved = false;
        }

        if (!isObserved
            && !MayDeliver(configuration, peer.Id, shown, source, destination, etherType, frame, out bool isSpoofed))
        {
            if (isSpoofed && shown is { StatesOwnership: true } && _gate.ShouldAsk(peer.Id))
            {
                // The member may have got another address, and the NETWORK_CREDENTIALS with the certificate for it been lost.
                AskForCredentials(peer, info, verb);
            }

            Capture(context, configuration, kind, isSpoofed ? Spoofed : Misaddressed);
            return PacketResult.Accepted;
        }

        Capture(context, configuration, kind, fate: default);
        _receiver?.Invoke(source, destination, etherType, frame);
        return PacketResult.Trusted;
    }

    private bool IsForeign(NetworkConfiguration configuration, NodeId sender, MacAddress source) =>
        source != Addressing.Mac(sender) && !configuration.RolesOf(sender).HasFlag(SpecialistRoles.ActiveBridge);

    // A member may send only frames from its own Ethernet and IP addresses; an active bridge may send frames from any. The destination must
    // be our Ethernet address, or a group.
    private bool MayDeliver(
        NetworkConfiguration configuration,
        NodeId sender,
        IMemberCredentials? shown,
        MacAddress source,
        MacAddress destination,
        ushort etherType,
        ReadOnlySpan<byte> frame,
        out bool isSpoofed)
    {
        isSpoofed = false;
        if (IsForeign(configuration, sender, source))
        {
            _drops.Add(Vl2Drop.ForeignMac);
            return false;
        }

        bool isBridged = source != Addressing.Mac(sender);
        if (isBridged)
        {
            _bridges.Learn(source, sender);
        }

        if (destination != Mac && (!destination.IsMulticast || configuration.MulticastLimit == 0))
        {
            _drops.Add(destination.IsMulticast ? Vl2Drop.Multicast : Vl2Drop.ForeignMac);
            return false;
        }

        if (!isBridged && !_sourceCheck.IsHonest(configuration, sender, shown, source, etherType, frame))
        {
            isSpoofed = true;
            _drops.Add(Vl2Drop.SpoofedSource);
            if (_sourceCheck.FindClaimOfOurs(configuration, etherType, frame) is { } address)
            {
                AddressClaimed?.Invoke(sender, address);
            }

            return false;
        }

        return true;
    }

    private bool PassesOut(
        NetworkConfiguration configuration,
        NodeId member,
        MacAddress destination,
        ushort etherType,
        ReadOnlySpan<byte> frame,
        bool copies = true)
    {
        FrameContext context = Outgoing(configuration, member, destination, etherType, frame);
        var verdict = configuration.Filter.Evaluate(context);
        if (copies)
        {
            // Once per frame, however many members it is sent to.
            Capture(
                context,
                configuration,
                FrameKind.Normal,
                verdict.Action switch { FrameAction.Drop => Filtered, FrameAction.Redirect => Redirected, _ => default });
        }

        if (verdict.Action == FrameAction.Drop)
        {
            _drops.Add(Vl2Drop.FilteredOut);
            return false;
        }

        if (copies)
        {
            SendCopies(configuration, verdict, context);
        }

        if (verdict.Action == FrameAction.Redirect)
        {
            SendExtFrame(verdict.RedirectTo, FrameKind.RedirectOut, context, frame.Length);
            return false;
        }

        return true;
    }

    private FrameContext Outgoing(
        NetworkConfiguration configuration, NodeId member, MacAddress destination, ushort etherType, ReadOnlySpan<byte> frame) => new()
        {
            IsInbound = false,
            Self = _vl1.Id,
            Source = _vl1.Id,
            Destination = member,
            SourceMac = Mac,
            DestinationMac = destination,
            EtherType = etherType,
            Frame = frame,
            Own = configuration.Own,
            Remote = member == default ? null : _gate.Find(configuration, member),
        };

    private void SendCopies(NetworkConfiguration configuration, in Verdict verdict, in FrameContext frame)
    {
        if (!verdict.CapabilityCopy.IsNone)
        {
            SendCopy(configuration, verdict.CapabilityCopy, frame);
        }

        if (!verdict.BaseCopy.IsNone)
        {
            SendCopy(configuration, verdict.BaseCopy, frame);
        }
    }

    private void SendCopy(NetworkConfiguration configuration, in FrameCopy copy, in FrameContext frame)
    {
        var kind = frame.IsInbound
            ? copy.IsWatch ? FrameKind.WatchIn : FrameKind.TeeIn
            : copy.IsWatch ? FrameKind.WatchOut : FrameKind.TeeOut;
        int length = Math.Min(copy.Length, frame.Frame.Length);
        CaptureCopy(frame, configuration, copy.To, kind, length);
        SendExtFrame(copy.To, kind, frame, length);
    }

    private void SendExtFrame(NodeId to, FrameKind kind, in FrameContext frame, int length)
    {
        if (length > MaxFrameLength)
        {
            _drops.Add(Vl2Drop.TooLong);
            return;
        }

        using var batch = _vl1.BeginBatch();
        var packet = batch.Reserve(ExtFrameHeaderLength + length);
        BinaryPrimitives.WriteUInt64BigEndian(packet, _network.Value);
        packet[NetworkIdLength] = (byte)kind;
        var rest = packet[(NetworkIdLength + 1)..];
        frame.DestinationMac.Write(rest);
        frame.SourceMac.Write(rest[MacAddress.Length..]);
        BinaryPrimitives.WriteUInt16BigEndian(rest[(2 * MacAddress.Length)..], frame.EtherType);
        frame.Frame[..length].CopyTo(rest[AddressesLength..]);
        batch.Commit(to, Verb.ExtFrame);
        batch.Send();
    }

    private PacketResult Drop(Vl2Drop reason, PacketResult result)
    {
        _drops.Add(reason);
        return result;
    }
}
