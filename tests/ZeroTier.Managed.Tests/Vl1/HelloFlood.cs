using ZeroTier.Managed.Vl1;
using ZeroTier.Managed.Vl1.Admission;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.Vl1;

/// <summary>
/// HELLOs of nodes that do not exist: one key, and a made-up address each time. The MAC is right when the attacker has agreed on a key with
/// the node, which it can.
/// </summary>
internal sealed class HelloFlood
{
    private readonly SeededRandom _random = new(4711);
    private readonly SessionKeys _keys;
    private readonly byte[] _template;

    public HelloFlood(NodeIdentity target, Planet planet)
    {
        var identity = UnprovenIdentity.Create(_random, new NodeId(0x30_0000_0000UL));
        _keys = SessionKeys.Agree(identity, target)!;
        _template = new StubPeer(identity, target, "10.0.0.9").Hello(planet);
    }

    /// <summary>The next HELLO.</summary>
    public byte[] Next(bool rightMac = true)
    {
        byte[] packet = [.. _template];
        _random.Fill(packet.AsSpan(0, 8));
        var id = new NodeId(0x30_0000_0000UL + (uint)_random.Next(int.MaxValue));
        PacketHeader.WriteAddress(packet.AsSpan(PacketHeader.SourceOffset), id);
        PacketHeader.WriteAddress(packet.AsSpan(PacketHeader.Size + HelloMessage.IdentityOffset), id);
        _keys.Arm(packet, CipherSuite.Poly1305);
        packet[^1] ^= rightMac ? (byte)0 : (byte)1;
        return packet;
    }

    /// <summary>A source that may be anybody's.</summary>
    public InetEndPoint NextSource() => Vl1Simulation.EndPoint(
        $"{20 + _random.Next(100)}.{_random.Next(256)}.{_random.Next(256)}.{1 + _random.Next(254)}", (ushort)(1024 + _random.Next(60_000)));

    /// <summary>The OK to a HELLO that came for one of the nodes that do not exist.</summary>
    public byte[] Answer(ReadOnlySpan<byte> hello)
    {
        byte[] packet = new byte[PacketHeader.Size + 9 + 40];
        Span<byte> id = stackalloc byte[8];
        _random.Fill(id);
        packet[PacketHeader.Size] = (byte)Verb.Hello;
        hello[..8].CopyTo(packet.AsSpan(PacketHeader.Size + 1));
        PacketHeader.Write(packet, id, PacketHeader.Source(hello), PacketHeader.Destination(hello), Verb.Ok);
        _keys.Arm(packet, CipherSuite.Salsa20Poly1305);
        return packet;
    }
}

/// <summary>Checks that cost virtual time. The proof of work of the given nodes is right, that of all others is wrong.</summary>
internal sealed class SimulatedChecks(params NodeId[] valid) : IdentityChecks
{
    public static readonly TimeSpan AgreementCost = TimeSpan.FromMicroseconds(100);
    public static readonly TimeSpan ProofCost = TimeSpan.FromMilliseconds(10);
    private readonly HashSet<NodeId> _valid = [.. valid];

    public int Agreements { get; private set; }

    public int Proofs { get; private set; }

    public override SessionKeys? Agree(NodeIdentity self, NodeIdentity other)
    {
        Agreements++;
        return base.Agree(self, other);
    }

    public override bool IsValid(NodeIdentity identity)
    {
        Proofs++;
        return _valid.Contains(identity.Address);
    }

    public override TimeSpan CostOf(IdentityCheck check, TimeSpan measured) => check == IdentityCheck.Agreement ? AgreementCost : ProofCost;
}
