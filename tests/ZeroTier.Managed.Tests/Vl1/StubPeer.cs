using System.Buffers.Binary;
using ZeroTier.Managed.Vl1;
using ZeroTier.Managed.Vl1.Admission;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.Vl1;

/// <summary>One node that is fed by hand: a recording transport below it, and peers that are only keys.</summary>
internal sealed class NodeUnderTest : IDisposable
{
    private int _read;

    public NodeUnderTest(
        NodeIdentity identity,
        Planet planet,
        string address,
        IReadOnlyList<KnownPeer>? known = null,
        VirtualClock? clock = null,
        ulong seed = 9,
        IdentityChecks? checks = null,
        params ReadOnlySpan<string> otherAddresses)
    {
        Clock = clock ?? new VirtualClock();
        EndPoint = Vl1Simulation.EndPoint(address);
        Transport = new RecordingTransport([EndPoint, .. otherAddresses.ToArray().Select(other => Vl1Simulation.EndPoint(other))]);
        Identity = identity;
        Node = new Vl1Node(new Vl1NodeOptions
        {
            Identity = identity,
            Planet = planet,
            Transport = Transport,
            Client = Client,
            TimeProvider = Clock,
            Random = new SeededRandom(seed),
            KnownPeers = known ?? [],
            IdentityChecks = checks ?? new IdentityChecks(),
        });
        Node.Start();
    }

    public VirtualClock Clock { get; }

    public InetEndPoint EndPoint { get; }

    public NodeIdentity Identity { get; }

    public RecordingClient Client { get; } = new();

    public RecordingTransport Transport { get; }

    public Vl1Node Node { get; }

    /// <summary>Delivers a datagram, and runs what the node does with it in the same instant on other threads.</summary>
    public void Receive(InetEndPoint from, params byte[] datagram)
    {
        Node.OnDatagram(0, from, datagram);
        Clock.RunUntilIdle();
    }

    /// <summary>What was sent since the last call.</summary>
    public List<(InetEndPoint To, byte[] Data, int Hops)> Take()
    {
        var taken = Transport.Sent.Skip(_read).Select(sent => (sent.To, sent.Data, sent.Hops)).ToList();
        _read = Transport.Sent.Count;
        return taken;
    }

    /// <summary>What was sent to one peer since the last call, joined and opened.</summary>
    public List<(Verb Verb, byte[] Payload, CipherSuite Suite, InetEndPoint To)> TakeFor(StubPeer peer)
    {
        var result = new List<(Verb, byte[], CipherSuite, InetEndPoint)>();
        var sent = Take();
        foreach (var (to, data, _) in sent.Where(s => s.Data.Length >= PacketHeader.Size && !Fragments.IsFragment(s.Data)))
        {
            if (PacketHeader.Destination(data) == peer.Id && PacketHeader.Source(data) == Identity.Address)
            {
                var rest = sent.Where(s => Fragments.IsFragment(s.Data) && s.Data.AsSpan(0, 8).SequenceEqual(data.AsSpan(0, 8)));
                result.Add(peer.Open([.. data, .. rest.SelectMany(s => s.Data[Fragments.HeaderSize..])], to));
            }
        }

        return result;
    }

    public void Dispose() => Node.Dispose();
}

/// <summary>A peer made of nothing but keys: builds packets for a node and opens its answers.</summary>
internal sealed class StubPeer(NodeIdentity identity, NodeIdentity node, string address, ushort port = Vl1Simulation.Port)
{
    private readonly SessionKeys _keys = SessionKeys.Agree(identity, node)!;
    private readonly SeededRandom _random = new(identity.Address.Value);

    public NodeId Id => identity.Address;

    public InetEndPoint EndPoint { get; set; } = Vl1Simulation.EndPoint(address, port);

    public byte[] Build(
        Verb verb, ReadOnlySpan<byte> payload, CipherSuite suite = CipherSuite.Salsa20Poly1305, bool fragmented = false, NodeId? to = null)
    {
        byte[] packet = new byte[PacketHeader.Size + payload.Length];
        Span<byte> id = stackalloc byte[8];
        _random.Fill(id);
        payload.CopyTo(packet.AsSpan(PacketHeader.Size));
        PacketHeader.Write(packet, id, to ?? node.Address, identity.Address, verb);
        packet[PacketHeader.FlagsOffset] = fragmented ? PacketHeader.FragmentedFlag : (byte)0;
        if (verb == Verb.Hello && packet.Length > PacketHeader.Size + HelloMessage.TailSize)
        {
            _keys.CryptHelloTail(packet, packet.Length - HelloMessage.TailSize);
        }

        _keys.Arm(packet, suite);
        return packet;
    }

    public byte[] Hello(Planet planet, byte protocol = 12, InetEndPoint sentTo = default)
    {
        Span<byte> payload = stackalloc byte[HelloMessage.MaxSize];
        int length = HelloMessage.Write(payload, 1234567, identity, sentTo, planet.World.Version);
        payload[0] = protocol;
        return Build(Verb.Hello, payload[..length], CipherSuite.Poly1305);
    }

    /// <summary>The shortest HELLO that a node reads: it ends after the identity.</summary>
    public byte[] ShortHello()
    {
        Span<byte> payload = stackalloc byte[HelloMessage.IdentityOffset + NodeIdentity.BinarySize];
        payload.Clear();
        payload[0] = 12;
        identity.WriteTo(payload[HelloMessage.IdentityOffset..]);
        byte[] packet = new byte[PacketHeader.Size + payload.Length];
        Span<byte> id = stackalloc byte[8];
        _random.Fill(id);
        payload.CopyTo(packet.AsSpan(PacketHeader.Size));
        PacketHeader.Write(packet, id, node.Address, identity.Address, Verb.Hello);
        _keys.Arm(packet, CipherSuite.Poly1305);
        return packet;
    }

    /// <summary>The OK to a packet that the node sent us.</summary>
    public byte[] Ok(byte[] request, Verb verb, params byte[] data)
    {
        byte[] payload = new byte[9 + data.Length];
        payload[0] = (byte)verb;
        request.AsSpan(0, 8).CopyTo(payload.AsSpan(1));
        data.CopyTo(payload, 9);
        return Build(Verb.Ok, payload);
    }

    public byte[] OkHello(byte[] hello, InetEndPoint seen, ReadOnlySpan<byte> planet = default)
    {
        byte[] data = new byte[40 + planet.Length];
        ulong timestamp = BinaryPrimitives.ReadUInt64BigEndian(hello.AsSpan(PacketHeader.Size + 5));
        int length = OkHelloMessage.Write(data, timestamp, seen, planet);
        return Ok(hello, Verb.Hello, data[..length]);
    }

    public (Verb Verb, byte[] Payload, CipherSuite Suite, InetEndPoint To) Open(byte[] packet, InetEndPoint to = default)
    {
        byte[] copy = [.. packet];
        Assert.True(_keys.TryOpen(copy), "a packet for the stub does not open");
        return ((Verb)copy[PacketHeader.VerbOffset], copy[PacketHeader.Size..], (CipherSuite)PacketHeader.Suite(copy), to);
    }

    /// <summary>Greets the node and answers its greeting, so that it knows our path.</summary>
    public void Introduce(NodeUnderTest to, Planet planet)
    {
        to.Take();
        to.Receive(EndPoint, Hello(planet));
        foreach (var (_, data, _) in to.Take().Where(sent => sent.To == EndPoint))
        {
            var (verb, _, _, _) = Open(data);
            if (verb == Verb.Hello)
            {
                to.Receive(EndPoint, OkHello(data, to.EndPoint));
            }
        }

        Assert.NotNull(to.Node.FindPeer(Id));
    }
}
