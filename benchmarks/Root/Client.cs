using System.Buffers.Binary;
using System.Net;
using ZeroTier;
using ZeroTier.Managed;
using ZeroTier.Managed.Vl1.Packets;
using ZeroTier.Simulation;

namespace Root;

/// <summary>A client of the root: an identity, an endpoint, and the keys shared with the root.</summary>
internal sealed class Client
{
    private static readonly SeededRandom Random = new(17);
    private readonly NodeIdentity _root;
    private readonly SessionKeys _keys;

    /// <param name="number">From 0. Even numbers send from 127.1.x.y, odd ones receive at 127.2.x.y: a pair is two in a row.</param>
    /// <param name="root">The root's identity.</param>
    public Client(int number, NodeIdentity root)
    {
        _root = root;
        Identity = UnprovenIdentity.Create(Random, new NodeId(0x50_0000_0000UL + (uint)number));
        Address = (127u << 24) | ((1u + ((uint)number & 1)) << 16) | (((uint)number / 2) + 1);
        _keys = SessionKeys.Agree(Identity, root)!;
    }

    public NodeIdentity Identity { get; }

    public NodeId Id => Identity.Address;

    /// <summary>The IPv4 address, in host order.</summary>
    public uint Address { get; }

    /// <summary>Whether the root has answered a HELLO since the last <see cref="Greet"/>.</summary>
    public bool IsGreeted { get; private set; }

    /// <summary>A HELLO to the root.</summary>
    public byte[] Greet(Planet planet, IPEndPoint root)
    {
        IsGreeted = false;
        Span<byte> payload = stackalloc byte[HelloMessage.MaxSize];
        int length = HelloMessage.Write(payload, 1, Identity, InetEndPoint.From(root), planet.World.Version);
        return Build(_keys, _root.Address, Verb.Hello, payload[..length], CipherSuite.Poly1305);
    }

    /// <summary>An ECHO, which nodes send to their root every 5 s.</summary>
    public byte[] Echo() => Build(_keys, _root.Address, Verb.Echo, [], CipherSuite.AesGmacSiv);

    /// <summary>A WHOIS that asks the root for another client.</summary>
    public byte[] AskFor(Client other)
    {
        Span<byte> payload = stackalloc byte[PacketHeader.AddressSize];
        PacketHeader.WriteAddress(payload, other.Id);
        return Build(_keys, _root.Address, Verb.Whois, payload, CipherSuite.AesGmacSiv);
    }

    /// <summary>A packet of this many bytes to another client, encrypted with the keys that both share.</summary>
    public byte[] Write(SessionKeys shared, Client to, int length)
    {
        byte[] payload = new byte[length - PacketHeader.Size];
        Random.Fill(payload);
        return Build(shared, to.Id, Verb.Frame, payload, CipherSuite.AesGmacSiv);
    }

    public SessionKeys AgreeWith(Client other) => SessionKeys.Agree(Identity, other.Identity)!;

    /// <summary>Handles a packet from the root. Returns the answer to a HELLO; null for other packets.</summary>
    public byte[]? Receive(Span<byte> packet)
    {
        if (!_keys.TryOpen(packet))
        {
            throw new InvalidOperationException("A packet of the root cannot be opened.");
        }

        var verb = (Verb)packet[PacketHeader.VerbOffset];
        var payload = packet[PacketHeader.Size..];
        IsGreeted |= verb == Verb.Ok && (Verb)payload[0] == Verb.Hello;
        if (verb != Verb.Hello)
        {
            return null;
        }

        Span<byte> answer = stackalloc byte[9 + OkHelloMessage.MaxSizeWithoutWorlds];
        answer[0] = (byte)Verb.Hello;
        packet[..8].CopyTo(answer[1..]);
        int length = OkHelloMessage.Write(answer[9..], BinaryPrimitives.ReadUInt64BigEndian(payload[5..]), default, []);
        return Build(_keys, _root.Address, Verb.Ok, answer[..(9 + length)], CipherSuite.AesGmacSiv);
    }

    private byte[] Build(SessionKeys keys, NodeId to, Verb verb, ReadOnlySpan<byte> payload, CipherSuite suite)
    {
        byte[] packet = GC.AllocateUninitializedArray<byte>(PacketHeader.Size + payload.Length, pinned: true);
        Span<byte> id = stackalloc byte[8];
        Random.Fill(id);
        payload.CopyTo(packet.AsSpan(PacketHeader.Size));
        PacketHeader.Write(packet, id, to, Id, verb, fragmented: packet.Length > Fragments.Mtu);
        if (verb == Verb.Hello)
        {
            keys.CryptHelloTail(packet, packet.Length - HelloMessage.TailSize);
        }

        keys.Arm(packet, suite);
        return packet;
    }
}
