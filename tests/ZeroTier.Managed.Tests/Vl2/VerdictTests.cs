using System.Buffers.Binary;
using ZeroTier.Managed.Tests.Vl1;
using ZeroTier.Managed.Vl1;
using ZeroTier.Managed.Vl2;
using ZeroTier.Managed.Vl2.Configuration;
using ZeroTier.Managed.Vl2.Membership;
using ZeroTier.Managed.Vl2.Rules;

namespace ZeroTier.Managed.Tests.Vl2;

/// <summary>What gate and rules send to other members, over real VL1 nodes (docs/protocol/3-vl2.md 3.5.7 and 3.6.2).</summary>
public sealed class VerdictTests : IDisposable
{
    private static readonly NetworkId Network = NetworkId.Parse("8056c2e21c000001");
    private static readonly byte[] Packet = [0x45, .. new byte[47]];
    private readonly Vl1Simulation _simulation = new();
    private readonly FakeGate _gate = new();
    private readonly SimulatedNode _me;
    private readonly SimulatedNode _sender;
    private readonly SimulatedNode _observer;
    private readonly VirtualPort _port;
    private int _delivered;

    public VerdictTests()
    {
        var planet = _simulation.CreatePlanet("10.0.0.1");
        _simulation.Add(0, planet, "10.0.0.1");
        _me = _simulation.Add(1, planet, "10.1.0.1");
        _sender = _simulation.Add(2, planet, "10.2.0.1");
        _observer = _simulation.Add(3, planet, "10.3.0.1");
        // Apart, since a root looks at one new identity per range of addresses at a time.
        _simulation.Advance(5);
        foreach (var other in new[] { _sender, _observer })
        {
            other.SendFrame(_me, 1);
        }

        _simulation.Advance(5);
        _port = new VirtualPort(_me.Node, Network, _gate, new Vl2DropCounters());
        _port.Start((_, _, _, _) => _delivered++);
    }

    public void Dispose() => _simulation.Dispose();

    [Theory]
    [InlineData(true, FrameAction.Redirect, false, 0x0a)]
    [InlineData(false, FrameAction.Redirect, false, 0x04)]
    [InlineData(true, FrameAction.Accept, false, 0x08)]
    [InlineData(false, FrameAction.Accept, false, 0x02)]
    [InlineData(true, FrameAction.Accept, true, 0x1c)]
    [InlineData(false, FrameAction.Accept, true, 0x16)]
    internal void A_frame_that_rules_send_elsewhere_goes_there_with_its_addresses(
        bool isInbound, FrameAction action, bool isWatch, int flags)
    {
        bool isRedirect = action == FrameAction.Redirect;
        Configure(isRedirect
            ? new Verdict { Action = action, RedirectTo = _observer.Id }
            : new Verdict { Action = action, BaseCopy = new FrameCopy(_observer.Id, 44, isWatch) });

        bool passed = isInbound ? ReceiveFrame() : _port.MaySend(Mac(_sender), EtherTypes.IPv4, Packet, out _);

        Assert.Equal(!isRedirect, passed);
        var (source, destination) = isInbound ? (_sender, _me) : (_me, _sender);
        Assert.Equal(
            ExtFrame((byte)flags, source, destination, isRedirect ? Packet : Packet[..44]), Assert.Single(Got(_observer, Verb.ExtFrame)));
    }

    [Fact]
    public void A_dropped_frame_is_not_copied()
    {
        Configure(new Verdict { BaseCopy = new FrameCopy(_observer.Id, 44, false) });

        Assert.False(_port.MaySend(Mac(_sender), EtherTypes.IPv4, Packet, out _));
        Assert.False(ReceiveFrame());

        Assert.Empty(Got(_observer, Verb.ExtFrame));
    }

    [Fact]
    public void The_copy_of_a_capability_goes_before_that_of_the_base_rules()
    {
        Configure(
            Verdict.Accept with
            {
                CapabilityCopy = new FrameCopy(_observer.Id, 40, true),
                BaseCopy = new FrameCopy(_observer.Id, 41, false),
            });

        Assert.True(_port.MaySend(Mac(_sender), EtherTypes.IPv4, Packet, out _));

        Assert.Equal([9 + 14 + 40, 9 + 14 + 41], Got(_observer, Verb.ExtFrame).Select(payload => payload.Length));
    }

    [Fact]
    public void A_frame_that_fits_into_no_packet_with_its_addresses_is_not_sent_elsewhere()
    {
        Configure(new Verdict { Action = FrameAction.Redirect, RedirectTo = _observer.Id });

        Assert.False(_port.MaySend(Mac(_sender), EtherTypes.IPv4, new byte[VirtualPort.MaxFrameLength + 1], out _));

        Assert.Empty(Got(_observer, Verb.ExtFrame));
    }

    [Theory]
    [InlineData(Admission.Hold, 0)]
    [InlineData(Admission.HoldAndAsk, 1)]
    [InlineData(Admission.Admitted, 0)]
    internal void Whom_the_gate_does_not_know_is_asked_for_its_credentials(Admission admission, int questions)
    {
        Configure(Verdict.Accept);
        _gate.Admission = admission;

        Assert.Equal(admission == Admission.Admitted, ReceiveFrame());

        byte[][] errors = Got(_sender, Verb.Error);
        Assert.Equal(questions, errors.Length);
        Assert.All(errors, error =>
        {
            Assert.Equal((byte)Verb.Frame, error[0]);
            Assert.Equal(77UL, BinaryPrimitives.ReadUInt64BigEndian(error.AsSpan(1)));
            Assert.Equal((byte)ErrorCode.NeedMembershipCertificate, error[9]);
            Assert.Equal(Network.Value, BinaryPrimitives.ReadUInt64BigEndian(error.AsSpan(10)));
        });
    }

    /// <summary>The stack would take it as sent to the group, with a source that nobody has checked.</summary>
    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 1)]
    public void A_frame_to_a_group_that_is_only_observed_ends_at_the_port(bool isSendersOwn, int delivered)
    {
        Configure(new Verdict { Action = FrameAction.SuperAccept });
        byte[] payload = ExtFrame(0, isSendersOwn ? _sender : _observer, _me, Packet);
        MacAddress.Broadcast.Write(payload.AsSpan(9));

        _port.OnExtFrame(_me.PeerOf(_sender), default, payload);

        Assert.Equal(delivered, _delivered);
    }

    private void Configure(Verdict verdict) =>
        _port.Configure(
            new NetworkConfiguration
            {
                Id = Network,
                MulticastLimit = 32,
                Flags = NetworkFlags.Broadcast,
                Filter = new FakeFilter { Verdict = verdict },
                Addresses = [new(IpAddress.FromIPv4(0x0a010101), 0)],
            });

    private bool ReceiveFrame()
    {
        byte[] frame = new byte[10 + Packet.Length];
        BinaryPrimitives.WriteUInt64BigEndian(frame, Network.Value);
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(8), EtherTypes.IPv4);
        Packet.CopyTo(frame, 10);
        var peer = _me.PeerOf(_sender);
        _port.OnFrame(peer, new PacketInfo(77, 0, peer.Paths[0].Socket, peer.Paths[0].EndPoint), frame);
        return _delivered > 0;
    }

    private byte[][] Got(SimulatedNode node, Verb verb)
    {
        _simulation.Advance(1);
        return [.. node.Client.Packets.Where(packet => packet.Verb == verb && packet.From == _me.Id).Select(packet => packet.Payload)];
    }

    private MacAddress Mac(SimulatedNode node) => _port.Addressing.Mac(node.Id);

    private byte[] ExtFrame(byte flags, SimulatedNode source, SimulatedNode destination, byte[] payload)
    {
        byte[] packet = new byte[9 + 14 + payload.Length];
        BinaryPrimitives.WriteUInt64BigEndian(packet, Network.Value);
        packet[8] = flags;
        Mac(destination).Write(packet.AsSpan(9));
        Mac(source).Write(packet.AsSpan(15));
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(21), EtherTypes.IPv4);
        payload.CopyTo(packet, 23);
        return packet;
    }
}
