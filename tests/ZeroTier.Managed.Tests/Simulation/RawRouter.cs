using System.Buffers.Binary;
using System.Net;
using ZeroTier.Managed.IpStack;
using ZeroTier.Managed.Tests.IpStack;
using ZeroTier.Managed.Tests.Vl1;
using ZeroTier.Managed.Vl1;
using ZeroTier.Managed.Vl2;
using ZeroTier.Managed.Vl2.Multicast;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.Simulation;

/// <summary>
/// A member without a stack of its own that stands for a router or a bridge and for every station behind it: answers ARP for its addresses
/// and echo requests for any address, from the Ethernet address that they were sent to. The network must be public: it shows no
/// credentials.
/// </summary>
internal sealed class RawRouter
{
    private readonly PrivateWorld _world;
    private readonly VirtualDatagramTransport _transport;
    private readonly RecordingClient _client = new();
    private readonly Vl1Node _vl1;
    private readonly Dictionary<IpAddress, MacAddress> _stations = [];

    public RawRouter(PrivateWorld world, int identity)
    {
        _world = world;
        Addressing = new MemberAddressing(world.Id);
        _transport = world.Physical.AddHost($"router{identity}", $"10.0.9.{identity}").Open(SimulatedWorld.UdpPort);
        _vl1 = new Vl1Node(new Vl1NodeOptions
        {
            Identity = TestIdentities.Get(identity),
            Planet = SimulatedWorld.SharedPlanet,
            Transport = _transport,
            Client = _client,
            TimeProvider = world.Clock,
            Random = world.Physical.Random.Fork(),
        });
        _client.Judge = Answer;
    }

    public MemberAddressing Addressing { get; }

    public NodeId Id => _vl1.Id;

    public MacAddress Mac => Addressing.Mac(Id);

    /// <summary>Echo messages that came, by their destination.</summary>
    public List<(IPAddress To, byte Type)> Echoes { get; } = [];

    /// <summary>Starts it, and waits until root and controller know of its groups.</summary>
    public async Task StartAsync()
    {
        _vl1.Start();
        while (!_vl1.IsOnline)
        {
            await _world.Delay(TimeSpan.FromMilliseconds(100));
        }

        byte[] groups = new byte[MulticastPackets.GroupLength * _stations.Count];
        foreach (var (index, address) in _stations.Keys.Index())
        {
            MulticastPackets.WriteGroup(
                groups.AsSpan(index * MulticastPackets.GroupLength),
                _world.Id,
                new MulticastGroup(MacAddress.Broadcast, (uint)address.Value));
        }

        foreach (NodeId node in (NodeId[])[_world.Root.Id, _world.ControllerNode.Id])
        {
            _vl1.Send(node, Verb.MulticastLike, groups);
        }

        await _world.Delay(TimeSpan.FromSeconds(1));
    }

    public async Task StopAsync()
    {
        await _transport.DisposeAsync();
        _vl1.Dispose();
    }

    /// <summary>Answers ARP for an address: with its own Ethernet address, or with that of a station behind it.</summary>
    public void Add(IPAddress address, MacAddress? station = null) => _stations[IpAddress.From(address)] = station ?? Mac;

    /// <summary>Sends an echo request in the name of any address.</summary>
    public void SendEcho(NodeId to, IPAddress source, IPAddress destination, MacAddress? station = null)
    {
        byte[] message = [8, 0, 0, 0, 0x12, 0x34, 0, 1, 1, 2, 3, 4];
        var (from, target) = (IpAddress.From(source), IpAddress.From(destination));
        Send(
            to,
            station ?? Mac,
            Addressing.Mac(to),
            EtherTypes.IPv4,
            PacketBuilder.Ip(from, target, IpProtocol.Icmp, PacketBuilder.Sealed(from, target, IpProtocol.Icmp, message, 2)));
    }

    /// <summary>A frame: FRAME between members, EXT_FRAME where an Ethernet address is not a member's own.</summary>
    public void Send(NodeId to, MacAddress source, MacAddress destination, ushort etherType, ReadOnlySpan<byte> frame)
    {
        bool isPlain = source == Mac && destination == Addressing.Mac(to);
        byte[] payload = [.. new byte[isPlain ? 10 : 23], .. frame];
        BinaryPrimitives.WriteUInt64BigEndian(payload, _world.Id.Value);
        if (!isPlain)
        {
            destination.Write(payload.AsSpan(9));
            source.Write(payload.AsSpan(15));
        }

        BinaryPrimitives.WriteUInt16BigEndian(payload.AsSpan(isPlain ? 8 : 21), etherType);
        _vl1.Send(to, isPlain ? Verb.Frame : Verb.ExtFrame, payload);
    }

    private PacketResult Answer(Peer peer, Verb verb)
    {
        byte[] payload = _client.Packets[^1].Payload;
        switch (verb)
        {
            case Verb.Frame:
                Answer(peer.Id, Addressing.Mac(peer.Id), Mac, BinaryPrimitives.ReadUInt16BigEndian(payload.AsSpan(8)), payload.AsSpan(10));
                break;
            case Verb.ExtFrame:
                Answer(
                    peer.Id,
                    MacAddress.Read(payload.AsSpan(15)),
                    MacAddress.Read(payload.AsSpan(9)),
                    BinaryPrimitives.ReadUInt16BigEndian(payload.AsSpan(21)),
                    payload.AsSpan(23));
                break;
            case Verb.MulticastFrame when MulticastFrame.TryRead(payload, out var multicast):
                Answer(peer.Id, multicast.Source ?? Addressing.Mac(peer.Id), Mac, multicast.EtherType, multicast.Frame);
                break;
            default:
                return PacketResult.Ignored;
        }

        return PacketResult.Trusted;
    }

    private void Answer(NodeId peer, MacAddress source, MacAddress destination, ushort etherType, ReadOnlySpan<byte> frame)
    {
        if (etherType == EtherTypes.Arp && frame[7] == 1 && _stations.TryGetValue(IpAddress.ReadIPv4(frame[24..]), out MacAddress station))
        {
            byte[] reply = [.. frame];
            reply[7] = 2;
            station.Write(reply.AsSpan(8));
            frame[24..28].CopyTo(reply.AsSpan(14));
            source.Write(reply.AsSpan(18));
            frame[14..18].CopyTo(reply.AsSpan(24));
            Send(peer, station, source, EtherTypes.Arp, reply);
        }
        else if (etherType == EtherTypes.IPv4 && frame[9] == (byte)IpProtocol.Icmp)
        {
            var (from, to) = (IpAddress.ReadIPv4(frame[12..]), IpAddress.ReadIPv4(frame[16..]));
            Echoes.Add((to.ToIPAddress(), frame[20]));
            if (frame[20] == 8)
            {
                byte[] message = [0, .. frame[21..]];
                Send(
                    peer,
                    destination,
                    source,
                    EtherTypes.IPv4,
                    PacketBuilder.Ip(to, from, IpProtocol.Icmp, PacketBuilder.Sealed(to, from, IpProtocol.Icmp, message, 2)));
            }
        }
    }
}
