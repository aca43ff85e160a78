using System.Buffers.Binary;
using ZeroTier.Managed.IpStack;
using ZeroTier.Managed.Tests.Vl1;
using ZeroTier.Managed.Vl1;
using ZeroTier.Managed.Vl2;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.Simulation;

/// <summary>A node with a valid identity that sends whatever it likes: VL1 proves who it is, and nothing more.</summary>
internal sealed class HostileMember
{
    private readonly VirtualDatagramTransport _transport;
    private readonly Vl1Node _vl1;

    public HostileMember(SimulatedWorld world, int identity)
    {
        Addressing = new MemberAddressing(SimulatedWorld.Network);
        var host = world.Physical.AddHost("hostile", "10.0.9.9");
        _transport = host.Open(SimulatedWorld.UdpPort);
        _vl1 = new Vl1Node(new Vl1NodeOptions
        {
            Identity = TestIdentities.Get(identity),
            Planet = SimulatedWorld.SharedPlanet,
            Transport = _transport,
            Client = new SilentClient(PacketResult.Trusted),
            TimeProvider = world.Clock,
            Random = world.Physical.Random.Fork(),
        });
        _vl1.Start();
    }

    public MemberAddressing Addressing { get; }

    public NodeId Id => _vl1.Id;

    public bool IsOnline => _vl1.IsOnline;

    /// <summary>An IPv6 packet from one of our own addresses: the whole /80 is ours.</summary>
    public byte[] Packet(NodeId to, IpProtocol protocol, ReadOnlySpan<byte> payload, ushort suffix = 1)
    {
        var packet = new byte[40 + payload.Length];
        packet[0] = 0x60;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(4), (ushort)payload.Length);
        packet[6] = (byte)protocol;
        packet[7] = 64;
        IpAddress.FromIPv6(Addressing.SixPlane(Id).Value - 1 + suffix).Write(packet.AsSpan(8));
        Addressing.SixPlane(to).Write(packet.AsSpan(24));
        payload.CopyTo(packet.AsSpan(40));
        return packet;
    }

    /// <summary>A SYN with a right checksum.</summary>
    public byte[] Syn(NodeId to, ushort fromPort, ushort toPort, ushort suffix)
    {
        byte[] tcp =
        [
            (byte)(fromPort >> 8),
            (byte)fromPort,
            (byte)(toPort >> 8),
            (byte)toPort,
            1,
            2,
            3,
            4,
            0,
            0,
            0,
            0,
            0x50,
            2,
            0xff,
            0xff,
            0,
            0,
            0,
            0,
        ];
        var packet = Packet(to, IpProtocol.Tcp, tcp, suffix);
        ushort checksum = InternetChecksum.Transport(
            IpAddress.ReadIPv6(packet.AsSpan(8)), IpAddress.ReadIPv6(packet.AsSpan(24)), IpProtocol.Tcp, tcp);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(40 + 16), checksum);
        return packet;
    }

    public void SendFrame(NodeId to, ReadOnlySpan<byte> packet)
    {
        Span<byte> payload = stackalloc byte[10 + packet.Length];
        BinaryPrimitives.WriteUInt64BigEndian(payload, SimulatedWorld.Network.Value);
        BinaryPrimitives.WriteUInt16BigEndian(payload[8..], EtherTypes.IPv6);
        packet.CopyTo(payload[10..]);
        _vl1.Send(to, Verb.Frame, payload);
    }

    public void Send(NodeId to, Verb verb, ReadOnlySpan<byte> payload) => _vl1.Send(to, verb, payload);

    /// <summary>Bytes straight onto the wire, without any protocol.</summary>
    public void SendRaw(in InetEndPoint to, ReadOnlySpan<byte> datagram) => _transport.Send(0, to, datagram, Math.Max(1, datagram.Length));

    public async Task StopAsync()
    {
        await _transport.DisposeAsync();
        _vl1.Dispose();
    }
}
