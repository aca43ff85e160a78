using System.Buffers.Binary;
using System.Net;
using ZeroTier.Managed.IpStack;
using ZeroTier.Managed.Tests.Vl1;
using ZeroTier.Managed.Vl1;
using ZeroTier.Managed.Vl2;
using ZeroTier.Managed.Vl2.Configuration;
using ZeroTier.Managed.Vl2.Membership;
using ZeroTier.Managed.Vl2.Rules;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.Vl2;

/// <summary>docs/protocol/3-vl2.md 3.7 and the checks of 3.17.</summary>
public sealed class VirtualPortTests : IDisposable
{
    private const ushort Ipv6 = 0x86dd;
    private static readonly NetworkId Network = NetworkId.AdHoc(22, 80);
    private readonly Vl2DropCounters _drops = new();
    private readonly List<(MacAddress Source, MacAddress Destination, ushort EtherType, byte[] Payload)> _received = [];
    private readonly Vl1Node _vl1;
    private readonly VirtualPort _port;
    private readonly FakeGate _gate = new();
    private readonly Peer _peer;
    private readonly NodeId _sender = TestIdentities.Get(1).Address;
    private readonly NodeId _other = TestIdentities.Get(2).Address;

    public VirtualPortTests()
    {
        var clock = new VirtualClock();
        var host = new VirtualNetwork(clock, 1).AddHost("node", "10.0.0.1");
        var identity = TestIdentities.Get(0);
        using var key = PlanetSigningKey.Generate();
        _vl1 = new Vl1Node(new Vl1NodeOptions
        {
            Identity = identity,
            Planet = Planet.Create(7, clock.GetUtcNow(), [new PlanetRoot(TestIdentities.Get(3), [])], key),
            Transport = host.Open(9993),
            Client = new SilentClient(),
            TimeProvider = clock,
        });
        _peer = new Peer(TestIdentities.Get(1), SessionKeys.Agree(identity, TestIdentities.Get(1))!);
        _port = new VirtualPort(_vl1, Network, _gate, _drops);
        Configure(new PortRangeFilter(new(22, 80)));
        _port.Start((source, destination, etherType, payload) => _received.Add((source, destination, etherType, payload.ToArray())));
    }

    public void Dispose()
    {
        _peer.Keys.Dispose();
        _vl1.Dispose();
    }

    [Fact]
    public void Frame_of_a_member_is_delivered_with_the_derived_addresses()
    {
        byte[] packet = Udp(_sender);

        Assert.Equal(PacketResult.Trusted, _port.OnFrame(_peer, default, Frame(packet)));

        var (source, destination, etherType, payload) = Assert.Single(_received);
        Assert.Equal(_port.Addressing.Mac(_sender), source);
        Assert.Equal(_port.Mac, destination);
        Assert.Equal(Ipv6, etherType);
        Assert.Equal(packet, payload);
    }

    [Fact]
    public void Frame_to_a_station_behind_a_bridge_is_one_datagram_of_the_usual_size()
    {
        const int HeaderOfExtFrame = 8 + 1 + 6 + 6 + 2; // Network, flags, two addresses, EtherType: chapter 3.7.3.
        var bridged = new MacAddress(0x52_00_00_00_00_01); // No member: networks do not use this first octet (3.7.1).

        Assert.Equal(Fragments.Mtu - PacketHeader.Size - HeaderOfExtFrame, _port.UnfragmentedPayload(bridged));
    }

    [Fact]
    public void Frame_with_another_members_address_is_dropped_and_never_delivered()
    {
        Assert.Equal(PacketResult.Accepted, _port.OnFrame(_peer, default, Frame(Udp(_other))));

        Assert.Empty(_received);
        Assert.Equal(1, _drops[Vl2Drop.SpoofedSource]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_member_with_certificates_is_asked_for_the_one_of_an_address_that_it_uses(bool statesOwnership)
    {
        _gate.Shown = new FakeCredentials { StatesOwnership = statesOwnership };

        _port.OnFrame(_peer, default, Frame(Udp(_other)));

        Assert.Equal(statesOwnership ? [_sender] : [], _gate.Asked);
        Assert.Empty(_received);
    }

    [Fact]
    public void Frame_the_rules_forbid_is_dropped()
    {
        Assert.Equal(PacketResult.Accepted, _port.OnFrame(_peer, default, Frame(Syn(_sender, 81))));
        Assert.Equal(PacketResult.Trusted, _port.OnFrame(_peer, default, Frame(Syn(_sender, 80))));

        Assert.Single(_received);
        Assert.Equal(1, _drops[Vl2Drop.FilteredIn]);
    }

    [Fact]
    public void Frame_without_a_payload_is_malformed()
    {
        Assert.Equal(PacketResult.Ignored, _port.OnFrame(_peer, default, Frame([])));

        Assert.Equal(1, _drops[Vl2Drop.Malformed]);
    }

    [Theory]
    [InlineData("sender", "me", null)]
    [InlineData("other", "me", Vl2Drop.ForeignMac)]
    [InlineData("me", "me", Vl2Drop.ForeignMac)]
    [InlineData("sender", "other", Vl2Drop.ForeignMac)]
    [InlineData("sender", "broadcast", Vl2Drop.Multicast)]
    [InlineData("broadcast", "me", Vl2Drop.ForeignMac)]
    internal void ExtFrame_OnlyFromTheSenderAndOnlyToUs(string source, string destination, Vl2Drop? expected)
    {
        var result = _port.OnExtFrame(_peer, default, ExtFrame(0, Mac(source), Mac(destination), Udp(_sender)));

        if (expected is { } reason)
        {
            Assert.Equal(PacketResult.Accepted, result);
            Assert.Empty(_received);
            Assert.Equal(1, _drops[reason]);
        }
        else
        {
            Assert.Equal(PacketResult.Trusted, result);
            Assert.Single(_received);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Ext_frame_with_a_certificate_of_an_old_peer_is_read_behind_it(bool signed)
    {
        var certificate = new byte[3 + 24 + 5 + (signed ? 96 : 0)];
        certificate[0] = 1;
        certificate[2] = 1;
        certificate[3 + 24 + 4] = signed ? (byte)9 : (byte)0;

        var result = _port.OnExtFrame(_peer, default, ExtFrame(1, Mac("sender"), Mac("me"), Udp(_sender), certificate));

        Assert.Equal(PacketResult.Trusted, result);
        Assert.Equal(Udp(_sender), Assert.Single(_received).Payload);
    }

    [Fact]
    public void Frames_truncated_anywhere_never_throw_and_never_deliver_more_than_is_there()
    {
        byte[] frame = Frame(Udp(_sender));
        byte[] extFrame = ExtFrame(1, Mac("sender"), Mac("me"), Udp(_sender), new byte[] { 1, 0, 0, 0, 0, 0, 0, 0 });
        for (int length = 8; length < frame.Length; length++)
        {
            _port.OnFrame(_peer, default, frame.AsSpan(0, length));
        }

        for (int length = 8; length < extFrame.Length; length++)
        {
            _port.OnExtFrame(_peer, default, extFrame.AsSpan(0, length));
        }

        Assert.All(_received, item => Assert.True(item.Payload.Length < Udp(_sender).Length));
    }

    [Theory]
    [InlineData("other", 80, null)]
    [InlineData("other", 81, Vl2Drop.FilteredOut)]
    [InlineData("broadcast", 80, Vl2Drop.Multicast)]
    [InlineData("me", 80, Vl2Drop.NoMember)]
    [InlineData("foreign", 80, Vl2Drop.NoMember)]
    internal void MaySend_AppliesAddressesAndRules(string destination, int port, Vl2Drop? expected)
    {
        bool may = _port.MaySend(Mac(destination), Ipv6, Syn(_vl1.Id, port), out var member);

        Assert.Equal(expected is null, may);
        if (expected is { } reason)
        {
            Assert.Equal(1, _drops[reason]);
        }
        else
        {
            Assert.Equal(_other, member);
        }
    }

    [Fact]
    public void Frame_before_there_is_a_configuration_is_not_for_us()
    {
        var port = new VirtualPort(_vl1, Network, _gate, _drops);

        Assert.Equal(PacketResult.Ignored, port.OnFrame(_peer, default, Frame(Udp(_sender))));
        Assert.Equal(PacketResult.Ignored, port.OnExtFrame(_peer, default, ExtFrame(0, Mac("sender"), Mac("me"), Udp(_sender))));
        Assert.False(port.MaySend(Mac("other"), Ipv6, Udp(_vl1.Id), out _));
        Assert.Equal(3, _drops[Vl2Drop.NotJoined]);
    }

    [Theory]
    [InlineData(Admission.Hold)]
    [InlineData(Admission.HoldAndAsk)]
    internal void Frame_FromWhomTheGateDoesNotKnow_IsHeldBeforeAnyRule_AndDeliveredOnceItDoes(Admission admission)
    {
        _gate.Admission = admission;
        var filter = new FakeFilter();
        Configure(filter);

        Assert.Equal(PacketResult.Hold, _port.OnFrame(_peer, default, Frame(Udp(_sender))));
        Assert.Equal(PacketResult.Hold, _port.OnExtFrame(_peer, default, ExtFrame(0, Mac("sender"), Mac("me"), Udp(_sender))));
        Assert.Equal(0, filter.Evaluations);
        Assert.Empty(_received);

        _gate.Admission = Admission.Admitted;
        Assert.Equal(PacketResult.Trusted, _port.OnFrame(_peer, default, Frame(Udp(_sender))));
        Assert.Single(_received);
    }

    [Fact]
    public void Frame_goes_by_the_configuration_in_force()
    {
        Configure(new FakeFilter { Verdict = Verdict.Drop });
        _port.OnFrame(_peer, default, Frame(Udp(_sender)));
        Configure(new FakeFilter());
        _port.OnFrame(_peer, default, Frame(Udp(_sender)));

        Assert.Single(_received);
        Assert.Equal(1, _drops[Vl2Drop.FilteredIn]);
    }

    [Fact]
    public void Rules_see_both_members_and_what_each_has_shown()
    {
        var filter = new FakeFilter();
        Configure(filter);
        var shown = new FakeCredentials();
        _gate.Shown = shown;

        _port.OnFrame(_peer, default, Frame(Udp(_sender)));
        Assert.Equal((true, _sender, _vl1.Id, Mac("sender"), Mac("me"), Ipv6, 48), filter.Last);
        Assert.Same(shown, filter.Remote);

        _port.MaySend(Mac("other"), Ipv6, Udp(_vl1.Id), out _);
        Assert.Equal((false, _vl1.Id, _other, Mac("me"), Mac("other"), Ipv6, 48), filter.Last);
        Assert.Same(shown, filter.Remote);
        Assert.Equal(_other, Assert.Single(_gate.Sent));
    }

    [Theory]
    [InlineData("foreign", true)]
    [InlineData("me", false)]
    public void Ext_frame_super_accepted_is_delivered_whatever_its_addresses_unless_it_is_meant_for_us(string destination, bool expected)
    {
        Configure(new FakeFilter { Verdict = new Verdict { Action = FrameAction.SuperAccept } });

        _port.OnExtFrame(_peer, default, ExtFrame(0, Mac("other"), Mac(destination), Udp(_other)));

        Assert.Equal(expected, _received.Count == 1);
    }

    [Fact]
    public void Try_resolve_derived_addresses_give_the_members_mac()
    {
        Assert.True(_port.TryResolve(_port.Addressing.SixPlane(_other), out var mac));
        Assert.Equal(Mac("other"), mac);
        Assert.True(_port.TryResolve(_port.Addressing.Rfc4193(_other), out mac));
        Assert.Equal(Mac("other"), mac);
        Assert.False(_port.TryResolve(IpAddress.From(IPAddress.Parse("2001:db8::1")), out _));
    }

    private void Configure(IFrameFilter filter) =>
        _port.Configure(new NetworkConfiguration { Id = Network, Filter = filter });

    private MacAddress Mac(string name) => name switch
    {
        "me" => _port.Mac,
        "sender" => _port.Addressing.Mac(_sender),
        "other" => _port.Addressing.Mac(_other),
        "broadcast" => MacAddress.Broadcast,
        _ => new MacAddress(_port.Mac.Value ^ 0x10_00_00_00_00_00),
    };

    private static byte[] Frame(byte[] payload)
    {
        var packet = new byte[10 + payload.Length];
        BinaryPrimitives.WriteUInt64BigEndian(packet, Network.Value);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(8), Ipv6);
        payload.CopyTo(packet, 10);
        return packet;
    }

    private static byte[] ExtFrame(byte flags, MacAddress source, MacAddress destination, byte[] payload, byte[]? certificate = null)
    {
        certificate ??= [];
        var packet = new byte[9 + certificate.Length + 14 + payload.Length];
        BinaryPrimitives.WriteUInt64BigEndian(packet, Network.Value);
        packet[8] = flags;
        certificate.CopyTo(packet, 9);
        var rest = packet.AsSpan(9 + certificate.Length);
        destination.Write(rest);
        source.Write(rest[6..]);
        BinaryPrimitives.WriteUInt16BigEndian(rest[12..], Ipv6);
        payload.CopyTo(rest[14..]);
        return packet;
    }

    private byte[] Udp(NodeId source) => Packet(source, 17, [0x10, 0, 0, 53, 0, 8, 0, 0]);

    private byte[] Syn(NodeId source, int port) =>
        Packet(source, 6, [0x9c, 0x40, (byte)(port >> 8), (byte)port, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 0x02, 0xff, 0xff, 0, 0, 0, 0]);

    private byte[] Packet(NodeId source, byte protocol, byte[] payload)
    {
        var packet = new byte[40 + payload.Length];
        packet[0] = 0x60;
        packet[5] = (byte)payload.Length;
        packet[6] = protocol;
        packet[7] = 64;
        _port.Addressing.SixPlane(source).Write(packet.AsSpan(8));
        _port.Addressing.SixPlane(_vl1.Id).Write(packet.AsSpan(24));
        payload.CopyTo(packet, 40);
        return packet;
    }
}
