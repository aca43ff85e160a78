using ZeroTier.Managed.Tests.Vl1;
using ZeroTier.Managed.Vl2.Configuration;

namespace ZeroTier.Managed.Tests.Vl2;

/// <summary>What counts before the controller has answered.</summary>
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

    private static byte[] Stored(NetworkId network, NodeId member) => new NetworkDictionaryWriter()
        .Add("v", 7).Add("nwid", network.Value).Add("id", member.ToString()).Add("ts", Vl2Vectors.Clock).Add("n", "stored").ToArray();

    private Sink Start(byte[] stored)
    {
        var sink = new Sink();
        new ControllerSource(Vl2Vectors.Network, _me.Node, new ControllerSourceOptions { Stored = stored, KnownMembers = () => [] }).Start(sink);
        return sink;
    }

    private sealed class Sink : IConfigurationSink
    {
        public NetworkConfiguration? Configuration { get; private set; }

        public void Apply(NetworkConfiguration configuration) => Configuration = configuration;

        public void Fail(NetworkFailure failure) => Assert.Fail(failure.Detail);
    }
}
