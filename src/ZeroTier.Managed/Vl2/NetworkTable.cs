using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using ZeroTier.Managed.Vl1;
using ZeroTier.Managed.Vl2.Configuration;
using ZeroTier.Managed.Vl2.Controller;
using ZeroTier.Managed.Vl2.Credentials;
using ZeroTier.Managed.Vl2.Membership;
using ZeroTier.Managed.Vl2.Multicast;

namespace ZeroTier.Managed.Vl2;

/// <summary>
/// The networks that the node has joined. Dispatches VL1's packets and events to the network that they concern. Thread-safe.
/// </summary>
/// <remarks>The lock guards only the table; no code outside this class is called under it.</remarks>
internal sealed class NetworkTable : IVl1Client, IDisposable
{
    private const int NetworkIdLength = 8;

    // The header of an OK: quoted verb and packet ID; an ERROR has its code as well (docs/protocol/2-vl1.md 2.6).
    private const int OkHeaderLength = 1 + sizeof(ulong);
    private const int ErrorHeaderLength = OkHeaderLength + 1;

    private readonly Lock _lock = new();
    private readonly NetworkTableOptions _options;
    private readonly ControllerPort? _controller;
    private readonly ServedMembers _served = new();
    private readonly NetworkList<Network> _networks = new();

    /// <summary>Creates an empty table.</summary>
    /// <param name="options">Options and dependencies.</param>
    /// <param name="connect">Creates the VL1 node, given its client (this table). The caller starts the node and disposes of it.</param>
    public NetworkTable(NetworkTableOptions options, Func<IVl1Client, Vl1Node> connect)
    {
        _options = options;
        Vl1 = connect(this);
        _controller = options.Controller is { } controller
            ? new ControllerPort(Vl1, options.Random, controller, _served, r => NetworkOf(r.Network)?.Add(r))
            : null;
    }

    public Vl1Node Vl1 { get; }

    /// <summary>Counters of dropped frames by reason, for all networks.</summary>
    public Vl2DropCounters Drops { get; } = new();

    /// <summary>Adds a network that is not in the table. The caller starts it when it is ready for its events.</summary>
    /// <param name="id">The network.</param>
    /// <param name="stored">The configuration dictionary stored by an earlier run; empty for none.</param>
    public Network Join(NetworkId id, ReadOnlyMemory<byte> stored = default)
    {
        if (id.IsAdHoc)
        {
            return Join(id, new AdHocSource(id, Vl1.Id), OpenGate.Instance);
        }

        var members = new MembershipTable(Vl1);
        if (_controller is { } controller && id.Controller == Vl1.Id)
        {
            return Join(id, new LocalSource(id, controller, _options.Random), members);
        }

        return Join(id, new ControllerSource(id, Vl1, new ControllerSourceOptions
        {
            Stored = stored,
            KnownMembers = () => members.Known,
            TimeProvider = _options.TimeProvider,
            Random = _options.Random,
        }), members);
    }

    /// <summary>Adds a network with a given source and gate.</summary>
    internal Network Join(NetworkId id, IConfigurationSource source, IMembershipGate members)
    {
        var network = new Network(id, Vl1, source, members, Drops, _options);
        lock (_lock)
        {
            _networks.Add(id, network);
        }

        KeepControllers();
        return network;
    }

    /// <summary>The node has started: starts the controller in it, if there is one.</summary>
    public void Start()
    {
        _controller?.Open();
    }

    /// <summary>Removes a network and disposes of it: its connections are reset, its listeners are closed.</summary>
    public void Leave(Network network)
    {
        lock (_lock)
        {
            _networks.Remove(network.Id, network);
        }

        KeepControllers();
        _controller?.Leave(network.Id);
        network.Dispose();
    }

    /// <summary>Disposes of all networks; they stay in the table.</summary>
    public void Dispose()
    {
        _controller?.Close();
        foreach (var network in _networks.All)
        {
            network.Dispose();
        }
    }

    PacketResult IVl1Client.OnPacket(Peer peer, Verb verb, in PacketInfo info, ReadOnlySpan<byte> payload)
    {
        switch (verb)
        {
            case Verb.Frame:
                return Find(payload, 0, out var network) ? network.Port.OnFrame(peer, info, payload) : PacketResult.Ignored;
            case Verb.ExtFrame:
                return Find(payload, 0, out network) ? network.Port.OnExtFrame(peer, info, payload) : PacketResult.Ignored;
            case Verb.NetworkCredentials:
                return OnCredentials(peer, payload);
            case Verb.NetworkConfigRequest:
                return _controller?.OnRequest(peer, info, payload) ?? PacketResult.Ignored;
            case Verb.MulticastLike:
                return OnLikes(peer, payload);
            case Verb.MulticastGather:
                return OnGather(peer, info, payload);
            case Verb.MulticastFrame:
                return Find(payload, 0, out network) ? network.Port.OnMulticastFrame(peer, info, payload) : PacketResult.Ignored;
            case Verb.Ok when (Verb)payload[0] is Verb.MulticastGather or Verb.MulticastFrame:
                return Find(payload, OkHeaderLength, out network)
                    ? network.Port.OnGroupMembers((Verb)payload[0], payload[OkHeaderLength..])
                    : PacketResult.Ignored;
            case Verb.NetworkConfig:
                return Find(payload, 0, out network)
                    ? Counted(network.OnConfiguration(peer, info, isPushed: true, payload))
                    : PacketResult.Ignored;
            case Verb.Ok when (Verb)payload[0] == Verb.NetworkConfigRequest:
                return Find(payload, OkHeaderLength, out network)
                    ? Counted(network.OnConfiguration(peer, info, isPushed: false, payload[OkHeaderLength..]))
                    : PacketResult.Ignored;
            case Verb.Error:
                return OnError(peer, payload);
            default:
                return Counted(PacketResult.Ignored);
        }
    }

    void IVl1Client.OnBatchEnd() => _options.Batches.EndOfBatch();

    void IVl1Client.OnTick(long now)
    {
        _served.OnTick(now);
        _controller?.OnTick(now);
        foreach (var network in _networks.All)
        {
            network.OnTick(now);
        }
    }

    void IVl1Client.OnOnlineChanged(bool online)
    {
        if (online)
        {
            foreach (var network in _networks.All)
            {
                network.Port.Multicast.OnOnline();
            }
        }

        _options.Client.OnOnlineChanged(online);
    }

    void IVl1Client.OnPeerChanged(Peer peer, PeerChange change)
    {
        if (change != PeerChange.PathNarrowed)
        {
            _options.Client.OnPeerChanged(peer, change);
            return;
        }

        foreach (var network in _networks.All)
        {
            network.Stack.OnPathNarrowed(network.Port.Addressing.Mac(peer.Id));
        }
    }

    void IVl1Client.OnPeerHeard(Peer peer)
    {
        foreach (var network in _networks.All)
        {
            network.Stack.PeerHeard(network.Port.Addressing.Mac(peer.Id));
        }
    }

    void IVl1Client.OnPeerGreeted(Peer peer)
    {
        foreach (var network in _networks.All)
        {
            network.Stack.PeerRestarted(network.Port.Addressing.Mac(peer.Id));
        }
    }

    void IVl1Client.OnIdentityCollision() => _options.Client.OnIdentityCollision();

    void IVl1Client.OnTwin(in InetEndPoint endPoint) => _options.Client.OnTwin(endPoint);

    void IVl1Client.OnPlanetUpdated(Planet planet) => _options.Client.OnPlanetUpdated(planet);

    void IVl1Client.OnMoonUpdated(Moon moon) => _options.Client.OnMoonUpdated(moon);

    void IVl1Client.OnRoundTrip(int milliseconds) => _options.Client.OnRoundTrip(milliseconds);

    bool IVl1Client.IsVirtualAddress(in InetEndPoint endPoint)
    {
        // A controller that assigns addresses with public prefixes, or 0.0.0.0/0, must not cut this node off from roots and other networks.
        if (IpScopes.Of(endPoint) is IpScope.None or IpScope.Global)
        {
            return false;
        }

        var address = endPoint.Address;
        foreach (var network in _networks.All)
        {
            if (network.Configuration is not { } configuration)
            {
                continue;
            }

            foreach (ref readonly var own in configuration.Addresses.AsSpan())
            {
                if (address.IsInPrefix(own.Address, own.PrefixLength))
                {
                    return true;
                }
            }
        }

        return false;
    }

    private PacketResult OnError(Peer peer, ReadOnlySpan<byte> payload)
    {
        var code = (ErrorCode)payload[OkHeaderLength];
        var answered = (Verb)payload[0];
        if (answered != Verb.NetworkConfigRequest && code is not (ErrorCode.NeedMembershipCertificate or ErrorCode.UnwantedMulticast))
        {
            return Counted(PacketResult.Ignored);
        }

        if (!Find(payload, ErrorHeaderLength, out var network))
        {
            return PacketResult.Ignored;
        }

        if (answered == Verb.NetworkConfigRequest)
        {
            return Counted(
                network.OnConfigurationError(peer, BinaryPrimitives.ReadUInt64BigEndian(payload[1..]), code, payload[ErrorHeaderLength..]));
        }

        if (code == ErrorCode.UnwantedMulticast)
        {
            return network.Port.OnUnwantedMulticast(peer, payload[ErrorHeaderLength..]);
        }

        network.OnCredentialsRequested(peer);
        return PacketResult.Accepted;
    }

    // Any node may send credentials of any member, of several networks in one packet; they are accepted by their signatures (3.5.7).
    private PacketResult OnCredentials(Peer peer, ReadOnlySpan<byte> payload)
    {
        if (!CredentialList.TryRead(payload, out CredentialList? list))
        {
            Drops.Add(Vl2Drop.Malformed);
            return PacketResult.Ignored;
        }

        bool isNew = false, isHeld = false;
        List<Revocation>? news = null;
        foreach (MembershipCertificate certificate in list.Memberships)
        {
            Note(MembersOf(certificate.Network)?.Add(certificate));
        }

        foreach (Credential credential in list.Credentials)
        {
            Note(MembersOf(credential.Network)?.Add(credential));
        }

        foreach (Revocation revocation in list.Revocations)
        {
            CredentialOutcome? acceptance = NetworkOf(revocation.Network)?.Add(revocation);
            Note(acceptance);
            if (acceptance == CredentialOutcome.New && revocation.IsToBePassedOn)
            {
                (news ??= []).Add(revocation);
            }
        }

        foreach (var ofNetwork in news?.GroupBy(r => r.Network) ?? [])
        {
            MembersOf(ofNetwork.Key)?.PassOn([.. ofNetwork.Select(r => r.Encoded)], peer.Id, ofNetwork.Key.Controller);
        }

        if (isNew)
        {
            Vl1.RetryHeld();
        }

        return isHeld ? PacketResult.Hold : PacketResult.Accepted;

        void Note(CredentialOutcome? acceptance)
        {
            isNew |= acceptance == CredentialOutcome.New;
            isHeld |= acceptance == CredentialOutcome.UnknownSigner;
            if (acceptance == CredentialOutcome.Rejected)
            {
                Drops.Add(Vl2Drop.BadCredential);
            }
        }
    }

    // Keeps a path to each controller, since controllers push changes.
    private void KeepControllers() => Vl1.SetAnchors(_networks.All.Select(n => n.Id.Controller).OfType<NodeId>());

    private MembershipTable? MembersOf(NetworkId id) => NetworkOf(id)?.Members;

    private Network? NetworkOf(NetworkId id) => _networks.Find(id);

    // Each entry contains its network ID, and is accepted or not by itself (3.8.2).
    private PacketResult OnLikes(Peer peer, ReadOnlySpan<byte> payload)
    {
        var result = PacketResult.Ignored;
        for (; payload.Length >= MulticastPackets.GroupLength; payload = payload[MulticastPackets.GroupLength..])
        {
            var id = new NetworkId(BinaryPrimitives.ReadUInt64BigEndian(payload));
            MulticastGroup group = MulticastPackets.ReadGroup(payload);
            Network? joined = NetworkOf(id);
            if (_served.Contains(id, peer.Id, Vl1.Now))
            {
                _served.Like(id, group, peer.Id, Vl1.Now);
                joined?.Port.Multicast.OnLike(peer.Id, group);
                result = PacketResult.Trusted;
            }
            else if (joined?.Port.OnLike(peer, group) == true)
            {
                result = PacketResult.Trusted;
            }
        }

        return result;
    }

    // A member answers with the subscribers that it knows, a controller with those of all members that it serves. A node that is both
    // answers as controller, since that knows more.
    private PacketResult OnGather(Peer peer, in PacketInfo info, ReadOnlySpan<byte> payload)
    {
        if (payload.Length < NetworkIdLength
            || new NetworkId(BinaryPrimitives.ReadUInt64BigEndian(payload)) is var id && !_served.Contains(id, peer.Id, Vl1.Now))
        {
            return Find(payload, 0, out var network) ? network.Port.OnGather(peer, info, payload) : PacketResult.Ignored;
        }

        if (!MulticastPackets.TryReadGather(payload, out MulticastGroup group, out int wanted))
        {
            return PacketResult.Ignored;
        }

        var members = new List<NodeId>();
        int total = 0, limit = Math.Min(wanted, NetworkMulticast.MaxListedMembers);
        if (limit > 0 && _networks.Find(id)?.Port.Multicast.IsSubscribed(group) == true)
        {
            members.Add(Vl1.Id);
            total = 1;
        }

        total += _served.Gather(id, group, peer.Id, limit, _options.Random, members);
        if (members.Count > 0)
        {
            Vl1.ReplyOk(peer, info, Verb.MulticastGather, MulticastPackets.GatherAnswer(id, group, total, members));
        }

        return PacketResult.Trusted;
    }

    private bool Find(ReadOnlySpan<byte> payload, int offset, [NotNullWhen(true)] out Network? network)
    {
        network = null;
        if (payload.Length - offset < NetworkIdLength)
        {
            Drops.Add(Vl2Drop.Malformed);
            return false;
        }

        network = _networks.Find(new NetworkId(BinaryPrimitives.ReadUInt64BigEndian(payload[offset..])));
        if (network is null)
        {
            Drops.Add(Vl2Drop.NotJoined);
            return false;
        }

        return true;
    }

    private PacketResult Counted(PacketResult result)
    {
        if (result == PacketResult.Ignored)
        {
            Drops.Add(Vl2Drop.Unsupported);
        }

        return result;
    }
}
