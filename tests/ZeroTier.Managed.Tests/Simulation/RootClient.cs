using System.Buffers.Binary;
using ZeroTier.Managed.Vl1;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.Simulation;

/// <summary>
/// A client of a root that is light enough for ten thousand of them: no node, only what a node sends to its root. All share one key pair,
/// and so the keys shared with the root; their addresses differ.
/// </summary>
internal sealed class RootClient : IDatagramReceiver
{
    private readonly CrowdedRoot _root;
    private readonly VirtualHost _host;
    private VirtualDatagramTransport _transport;

    public RootClient(CrowdedRoot root, int number)
    {
        _root = root;
        Identity = TestIdentities.At(new NodeId(0x50_0000_0000UL + (uint)number));
        _host = root.Net.Network.AddHost($"client{number}", $"10.{1 + number / 20_000}.{number / 100 % 200}.{1 + number % 100}");
        _transport = Open();
    }

    public NodeIdentity Identity { get; }

    public NodeId Id => Identity.Address;

    public InetEndPoint EndPoint => _transport.LocalEndPoints[0];

    /// <summary>HELLOs sent and answers to them since the last <see cref="Forget"/>.</summary>
    public (int Sent, int Answered) Hellos { get; private set; }

    /// <summary>Identities that the root has sent.</summary>
    public List<NodeIdentity> Found { get; } = [];

    /// <summary>Where the root has said that others are.</summary>
    public List<(NodeId Id, InetEndPoint EndPoint)> Introduced { get; } = [];

    /// <summary>Senders of the packets that the root has relayed.</summary>
    public List<NodeId> Relayed { get; } = [];

    /// <summary>Starts with another port.</summary>
    public void Restart()
    {
        Stop();
        _transport = Open();
        Forget();
    }

    public void Stop() => _transport.DisposeAsync().AsTask().GetAwaiter().GetResult();

    public void Forget()
    {
        Hellos = default;
        Found.Clear();
        Introduced.Clear();
        Relayed.Clear();
    }

    public void SayHello()
    {
        Hellos = (Hellos.Sent + 1, Hellos.Answered);
        Span<byte> payload = stackalloc byte[HelloMessage.MaxSize];
        int length = HelloMessage.Write(payload, 1, Identity, CrowdedRoot.EndPoint, _root.Planet.World.Version);
        Send(_root.Id, Verb.Hello, payload[..length], CipherSuite.Poly1305);
    }

    public void AskFor(NodeId other)
    {
        Span<byte> address = stackalloc byte[PacketHeader.AddressSize];
        PacketHeader.WriteAddress(address, other);
        Send(_root.Id, Verb.Whois, address, CipherSuite.AesGmacSiv);
    }

    /// <summary>Sends a packet through the root, which cannot read it.</summary>
    public void SendThroughRoot(NodeId other) => Send(other, Verb.Frame, stackalloc byte[60], CipherSuite.AesGmacSiv);

    public void OnDatagram(int socket, in InetEndPoint source, Span<byte> datagram)
    {
        if (PacketHeader.Source(datagram) != _root.Id)
        {
            Assert.Equal(1, PacketHeader.Hops(datagram));
            Relayed.Add(PacketHeader.Source(datagram));
            return;
        }

        Assert.True(_root.Keys.TryOpen(datagram));
        var payload = datagram[PacketHeader.Size..];
        switch ((Verb)datagram[PacketHeader.VerbOffset])
        {
            case Verb.Hello:
                Answer(datagram, payload);
                break;
            case Verb.Ok when (Verb)payload[0] == Verb.Hello:
                Hellos = (Hellos.Sent, Hellos.Answered + 1);
                break;
            case Verb.Ok when (Verb)payload[0] == Verb.Whois:
                Assert.True(WireIdentity.TryRead(payload[9..], out var identity));
                Found.Add(identity);
                break;
            case Verb.Rendezvous:
                Assert.True(RendezvousMessage.TryRead(payload, out var message));
                Introduced.Add((message.Peer, message.EndPoint));
                break;
        }
    }

    public void OnBatchEnd(int socket)
    {
    }

    private void Answer(ReadOnlySpan<byte> hello, ReadOnlySpan<byte> payload)
    {
        Span<byte> answer = stackalloc byte[9 + OkHelloMessage.MaxSizeWithoutWorlds];
        answer[0] = (byte)Verb.Hello;
        hello[..8].CopyTo(answer[1..]);
        int length = OkHelloMessage.Write(answer[9..], BinaryPrimitives.ReadUInt64BigEndian(payload[5..]), CrowdedRoot.EndPoint, []);
        Send(_root.Id, Verb.Ok, answer[..(9 + length)], CipherSuite.AesGmacSiv);
    }

    private VirtualDatagramTransport Open()
    {
        var transport = _host.Open();
        transport.Start(this);
        return transport;
    }

    private void Send(NodeId to, Verb verb, ReadOnlySpan<byte> payload, CipherSuite suite)
    {
        Span<byte> packet = stackalloc byte[PacketHeader.Size + payload.Length];
        Span<byte> id = stackalloc byte[8];
        _root.Net.Network.Random.Fill(id);
        payload.CopyTo(packet[PacketHeader.Size..]);
        PacketHeader.Write(packet, id, to, Id, verb);
        if (verb == Verb.Hello)
        {
            _root.Keys.CryptHelloTail(packet, packet.Length - HelloMessage.TailSize);
        }

        _root.Keys.Arm(packet, suite);
        _transport.Send(0, CrowdedRoot.EndPoint, packet, packet.Length);
    }
}
