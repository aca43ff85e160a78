using System.Text.Json;
using ZeroTier.Managed.Tests.Vl1;
using ZeroTier.Managed.Vl1;
using ZeroTier.Managed.Vl2.Configuration;

namespace ZeroTier.Managed.Tests.Vl2;

/// <summary>What counts before the controller has answered, and what counts as its answer.</summary>
public sealed class ControllerSourceTests : IDisposable
{
    private readonly Vl1Simulation _simulation = new();
    private readonly SimulatedNode _me;

    public ControllerSourceTests() => _me = _simulation.Add(1, _simulation.CreatePlanet("10.0.0.1"), "10.1.0.1");

    public void Dispose() => _simulation.Dispose();

    [Fact]
    public void What_an_earlier_run_stored_is_in_force_at_once() =>
        Assert.Equal("stored", Start(Stored(Vl2Vectors.Network, _me.Node.Id)).Configuration?.Name);

    [Fact]
    public void What_was_stored_for_another_network_or_node_or_was_damaged_does_not_count()
    {
        Assert.Null(Start(Stored(new NetworkId(Vl2Vectors.Network.Value + 1), _me.Node.Id)).Configuration);
        Assert.Null(Start(Stored(Vl2Vectors.Network, Vl2Vectors.MemberB.Address)).Configuration);
        Assert.Null(Start("\n"u8.ToArray()).Configuration);
    }

    [Fact]
    public void Pieces_make_a_configuration_where_real_nodes_say_so()
    {
        foreach (JsonElement vector in Vl2Vectors.Section("config_chunks"))
        {
            using var test = Member();
            Sink sink = Start(test.Node, out ControllerSource source);
            foreach (JsonElement step in vector.GetProperty("steps").EnumerateArray())
            {
                Peer peer = test.Node.FindPeer(NodeId.Parse(step.GetProperty("source").GetString()!))!;
                source.OnConfiguration(peer, default, isPushed: true, step.Hex("payload_hex"));

                Assert.True(step.GetProperty("has_config_after").GetBoolean() == sink.Configuration is not null, Vl2Vectors.Name(vector));
            }
        }
    }

    [Fact]
    public void Only_the_controller_refuses_and_only_what_was_asked()
    {
        using var test = Member();
        Sink sink = Start(test.Node, out ControllerSource source);
        ulong request = 0x0102030405060708;
        test.Node.ExpectedReplies.Add(request, Vl2Vectors.Controller.Address);
        test.Node.ExpectedReplies.Add(request, Vl2Vectors.MemberB.Address);
        byte[] data = new byte[8];
        Peer controller = test.Node.FindPeer(Vl2Vectors.Controller.Address)!;
        Peer member = test.Node.FindPeer(Vl2Vectors.MemberB.Address)!;

        Assert.Equal(PacketResult.Ignored, source.OnError(member, request, ErrorCode.AccessDenied, data));
        Assert.Equal(PacketResult.Ignored, source.OnError(controller, request + 1, ErrorCode.AccessDenied, data));
        Assert.Empty(sink.Failures);

        Assert.Equal(PacketResult.Accepted, source.OnError(controller, request, ErrorCode.AccessDenied, data));
        Assert.Equal(ZeroTierNetworkStatus.AccessDenied, Assert.Single(sink.Failures).Status);
    }

    private static byte[] Stored(NetworkId network, NodeId member) => new NetworkDictionaryWriter()
        .Add("v", 7).Add("nwid", network.Value).Add("id", member.ToString()).Add("ts", Vl2Vectors.Clock).Add("n", "stored").ToArray();

    // Member A, which knows everybody.
    private NodeUnderTest Member() => new(
        Vl2Vectors.MemberA,
        _simulation.CreatePlanet("10.0.0.1"),
        "10.1.0.1",
        [.. new[] { Vl2Vectors.Controller, Vl2Vectors.MemberB, Vl2Vectors.MemberC, Vl2Vectors.Outsider }.Select(
            identity => new KnownPeer(identity, default, []))]);

    private Sink Start(byte[] stored) => Start(_me.Node, out _, stored);

    private static Sink Start(Vl1Node node, out ControllerSource source, byte[]? stored = null)
    {
        var sink = new Sink();
        source = new ControllerSource(Vl2Vectors.Network, node, new ControllerSourceOptions { Stored = stored, KnownMembers = () => [] });
        source.Start(sink);
        return sink;
    }

    private sealed class Sink : IConfigurationSink
    {
        public NetworkConfiguration? Configuration { get; private set; }

        public List<NetworkFailure> Failures { get; } = [];

        public void Apply(NetworkConfiguration configuration) => Configuration = configuration;

        public void Fail(NetworkFailure failure) => Failures.Add(failure);
    }
}
