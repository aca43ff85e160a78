using ZeroTier.Managed.Capture;
using ZeroTier.Managed.Tests.Vl1;
using ZeroTier.Managed.Vl1;
using ZeroTier.Managed.Vl2;
using ZeroTier.Managed.Vl2.Configuration;
using ZeroTier.Managed.Vl2.Membership;
using ZeroTier.Managed.Vl2.Rules;

namespace ZeroTier.Managed.Tests.Vl2;

/// <summary>What a capture shows of the decisions of gate, rules and checks.</summary>
public sealed class CaptureVerdictTests : IDisposable
{
    private static readonly NetworkId Network = NetworkId.Parse("8056c2e21c000001");
    private static readonly byte[] Packet = [0x45, .. new byte[47]];
    private readonly Vl1Simulation _simulation = new();
    private readonly FakeGate _gate = new();
    private readonly SimulatedNode _me;
    private readonly SimulatedNode _other;
    private readonly NodeId _observer = TestIdentities.Get(3).Address;
    private readonly CaptureTap _tap = new();
    private readonly MemoryStream _file = new();
    private readonly VirtualPort _port;
    private readonly FrameCapture _capture;

    public CaptureVerdictTests()
    {
        var planet = _simulation.CreatePlanet("10.0.0.1");
        _simulation.Add(0, planet, "10.0.0.1");
        _me = _simulation.Add(1, planet, "10.1.0.1");
        _other = _simulation.Add(2, planet, "10.2.0.1");
        _simulation.Advance(5);
        _other.SendFrame(_me, 1);
        _simulation.Advance(5);
        _port = new VirtualPort(_me.Node, Network, _gate, new Vl2DropCounters()) { Captures = _tap };
        _port.Start((_, _, _, _) => { });
        _capture = FrameCapture.Start(
            _tap, new CaptureOptions(), _file, null, TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
    }

    public void Dispose() => _simulation.Dispose();

    [Fact]
    public async Task A_frame_that_the_rules_forbid_says_so_in_both_directions()
    {
        Configure(default);
        _port.MaySend(Mac(_other.Id), EtherTypes.IPv4, Packet, out _);
        Receive(Mac(_other.Id), _port.Mac, 0);

        var frames = await FramesAsync();
        Assert.Equal(
            [$"to node {_other.Id}; dropped by the network's rules", $"from node {_other.Id}; dropped by the network's rules"],
            frames.Select(frame => frame.Comment));
        Assert.Equal([true, false], frames.Select(frame => frame.IsOutbound));
    }

    [Theory]
    [InlineData(false, "TEE")]
    [InlineData(true, "WATCH")]
    public async Task A_copy_that_rules_send_is_a_frame_of_its_own_as_long_as_the_copy_is(bool isWatch, string rule)
    {
        Configure(Verdict.Accept with { BaseCopy = new FrameCopy(_observer, 20, isWatch) });
        _port.MaySend(Mac(_other.Id), EtherTypes.IPv4, Packet, out _);

        var frames = await FramesAsync();
        Assert.Equal(
            [$"to node {_other.Id}", $"to node {_observer}; copy of a frame that was sent ({rule})"],
            frames.Select(frame => frame.Comment));
        Assert.Equal([62, 34], frames.Select(frame => frame.Bytes.Length));
        Assert.All(frames, frame => Assert.Equal(62, frame.Length));
    }

    [Fact]
    public async Task A_copy_that_is_received_is_shown_as_one_and_as_overheard()
    {
        Configure(new Verdict { Action = FrameAction.SuperAccept });
        Receive(Mac(_other.Id), Mac(_observer), 0x08);

        var frame = Assert.Single(await FramesAsync());
        Assert.Equal($"from node {_other.Id}; copy of a frame that was received (TEE)", frame.Comment);
        Assert.True(frame.IsInbound);
        Assert.Equal(4u, frame.Reception);
    }

    [Fact]
    public async Task A_redirected_frame_says_so()
    {
        Configure(new Verdict { Action = FrameAction.Redirect, RedirectTo = _observer });
        _port.MaySend(Mac(_other.Id), EtherTypes.IPv4, Packet, out _);

        Assert.Equal($"to node {_other.Id}; redirected by the network's rules", Assert.Single(await FramesAsync()).Comment);
    }

    [Fact]
    public async Task A_frame_under_a_foreign_address_says_so_and_one_of_no_member_is_not_there()
    {
        Configure(Verdict.Accept);
        Receive(Mac(_observer), _port.Mac, 0);
        _gate.Admission = Admission.Hold;
        Receive(Mac(_other.Id), _port.Mac, 0);

        Assert.Equal(
            $"from node {_other.Id}; dropped: its Ethernet addresses are not those of its sender and of this node",
            Assert.Single(await FramesAsync()).Comment);
    }

    [Fact]
    public async Task A_frame_to_a_group_is_there_once()
    {
        Configure(Verdict.Accept);
        _port.MaySend(new MacAddress(0x3333_0000_0001), EtherTypes.IPv6, Packet, out _);
        _port.MaySend(MacAddress.Broadcast, EtherTypes.IPv4, Packet, out _);

        var frames = await FramesAsync();
        Assert.Equal([2u, 3u], frames.Select(frame => frame.Reception));
        Assert.All(frames, frame => Assert.Null(frame.Comment));
    }

    private MacAddress Mac(NodeId node) => _port.Addressing.Mac(node);

    private void Configure(Verdict verdict) => _port.Configure(new NetworkConfiguration
    {
        Id = Network,
        Mtu = 2800,
        MulticastLimit = 32,
        Flags = NetworkFlags.Broadcast,
        Addresses = [new(IpAddress.FromIPv4(0x0a010101), 0)],
        Filter = new FakeFilter { Verdict = verdict },
    });

    private void Receive(MacAddress source, MacAddress destination, byte flags)
    {
        byte[] payload = new byte[8 + 1 + 14 + Packet.Length];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(payload, Network.Value);
        payload[8] = flags;
        destination.Write(payload.AsSpan(9));
        source.Write(payload.AsSpan(15));
        System.Buffers.Binary.BinaryPrimitives.WriteUInt16BigEndian(payload.AsSpan(21), EtherTypes.IPv4);
        Packet.CopyTo(payload, 23);
        _port.OnExtFrame(_me.PeerOf(_other), default, payload);
    }

    private async Task<List<PcapngReader.Frame>> FramesAsync()
    {
        await _capture.StopAsync(TestContext.Current.CancellationToken);
        return PcapngReader.Read(_file.ToArray()).Frames;
    }
}
