using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Threading.Channels;
using ZeroTier;
using ZeroTier.Managed;
using ZeroTier.Managed.IpStack;
using ZeroTier.Managed.Vl1;
using ZeroTier.Managed.Vl1.Control;
using ZeroTier.Managed.Vl1.Packets;
using ZeroTier.Managed.Vl1.Peers;
using ZeroTier.Managed.Vl2;
using ZeroTier.Testing;

namespace EndToEnd.Tests.Security;

/// <summary>
/// A member without a TCP/IP stack: VL1 proves who it is, and above that it sends whatever the test likes, under whatever inner address.
/// What it receives waits by local TCP port.
/// </summary>
internal sealed class RawMember : IVl1Client, IAsyncDisposable
{
    private const int MaxQueued = 10_000;

    private readonly NetworkId _network;
    private readonly IDatagramTransport _transport;
    private readonly Vl1Node _vl1;
    private readonly TaskCompletionSource _online = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ConcurrentDictionary<ushort, Channel<RawSegment>> _received = new();

    private RawMember(NetworkId network, IDatagramTransport transport, NodeIdentity identity, Planet planet)
    {
        _network = network;
        _transport = transport;
        Addressing = new MemberAddressing(network);
        _vl1 = new Vl1Node(new Vl1NodeOptions { Identity = identity, Planet = planet, Transport = transport, Client = this });
    }

    public MemberAddressing Addressing { get; }

    public NodeId Id => _vl1.Id;

    public IpAddress Address => Addressing.SixPlane(Id);

    /// <summary>A member that is online.</summary>
    public static async Task<RawMember> StartAsync(TestNetwork network, NetworkId id, CancellationToken cancellationToken)
    {
        var options = await network.ConfigureAsync(new ManagedNodeOptions(), cancellationToken);
        return await StartAsync(id, options.DatagramTransportFactory!(), options.Identity!, options.Planet!, cancellationToken);
    }

    /// <summary>The same on a transport of the test's choice.</summary>
    public static async Task<RawMember> StartAsync(
        NetworkId id, IDatagramTransport transport, NodeIdentity identity, Planet planet, CancellationToken cancellationToken)
    {
        var member = new RawMember(id, transport, identity, planet);
        member._vl1.Start();
        await member._online.Task.WaitAsync(TimeSpan.FromSeconds(30), cancellationToken);
        return member;
    }

    /// <summary>What came for a TCP port of ours, oldest first.</summary>
    public ChannelReader<RawSegment> Received(ushort port) => Queue(port).Reader;

    /// <summary>A frame as it is sent between members that are not bridges.</summary>
    public void SendFrame(NodeId to, ushort etherType, ReadOnlySpan<byte> frame)
    {
        byte[] payload = [.. new byte[10], .. frame];
        BinaryPrimitives.WriteUInt64BigEndian(payload, _network.Value);
        BinaryPrimitives.WriteUInt16BigEndian(payload.AsSpan(8), etherType);
        _vl1.Send(to, Verb.Frame, payload);
    }

    /// <summary>Shows credentials, whoever they are of.</summary>
    public void SendCredentials(NodeId to, ReadOnlySpan<byte> credentials) => _vl1.Send(to, Verb.NetworkCredentials, credentials);

    /// <summary>A frame with Ethernet addresses of its own.</summary>
    public void SendExtFrame(NodeId to, MacAddress source, ReadOnlySpan<byte> packet)
    {
        byte[] payload = [.. new byte[23], .. packet];
        BinaryPrimitives.WriteUInt64BigEndian(payload, _network.Value);
        Addressing.Mac(to).Write(payload.AsSpan(9));
        source.Write(payload.AsSpan(15));
        BinaryPrimitives.WriteUInt16BigEndian(payload.AsSpan(21), EtherTypes.IPv6);
        _vl1.Send(to, Verb.ExtFrame, payload);
    }

    public void SendPacket(NodeId to, ReadOnlySpan<byte> packet) => SendFrame(to, EtherTypes.IPv6, packet);

    /// <summary>A TCP segment from any address.</summary>
    public void SendSegment(NodeId to, in IpAddress source, in RawSegment segment) =>
        SendPacket(to, RawPackets.Ip(source, Addressing.SixPlane(to), IpProtocol.Tcp, segment.ToBytes()));

    public async ValueTask DisposeAsync()
    {
        await _transport.DisposeAsync();
        _vl1.Dispose();
    }

    PacketResult IVl1Client.OnPacket(Peer peer, Verb verb, in PacketInfo info, ReadOnlySpan<byte> payload)
    {
        // FRAME: network, type, packet.
        if (verb == Verb.Frame && payload.Length > 10)
        {
            var packet = payload[10..];
            (int header, byte protocol) = packet.Length < 40 ? (0, (byte)0) : packet[0] >> 4 == 4 ? (20, packet[9]) : (40, packet[6]);
            if (protocol == (byte)IpProtocol.Tcp && packet.Length >= header + RawSegment.HeaderLength)
            {
                var segment = RawSegment.Read(packet[header..]);
                Queue(segment.ToPort).Writer.TryWrite(segment);
            }
        }

        return PacketResult.Trusted;
    }

    void IVl1Client.OnBatchEnd()
    {
    }

    void IVl1Client.OnTick(long now)
    {
    }

    void IVl1Client.OnOnlineChanged(bool online)
    {
        if (online)
        {
            _online.TrySetResult();
        }
    }

    void IVl1Client.OnPeerChanged(Peer peer, PeerChange change)
    {
    }

    void IVl1Client.OnIdentityCollision()
    {
    }

    void IVl1Client.OnTwin(in InetEndPoint endPoint)
    {
    }

    void IVl1Client.OnPlanetUpdated(Planet planet)
    {
    }

    bool IVl1Client.IsVirtualAddress(in InetEndPoint endPoint) => false;

    private Channel<RawSegment> Queue(ushort port) => _received.GetOrAdd(
        port, _ => Channel.CreateBounded<RawSegment>(new BoundedChannelOptions(MaxQueued) { FullMode = BoundedChannelFullMode.DropWrite }));
}
