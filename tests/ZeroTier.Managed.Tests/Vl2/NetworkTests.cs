using System.IO.Pipelines;
using ZeroTier.Managed.Tests.Vl1;
using ZeroTier.Managed.Vl1;
using ZeroTier.Managed.Vl2;
using ZeroTier.Managed.Vl2.Configuration;
using ZeroTier.Managed.Vl2.Rules;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.Vl2;

/// <summary>A joined network whose configuration changes (docs/protocol/3-vl2.md 3.3.1).</summary>
public sealed class NetworkTests : IDisposable
{
    private static readonly NetworkId Id = NetworkId.Parse("8056c2e21c000001");
    private static readonly IpAddress First = IpAddress.FromIPv4(0x0a000001);
    private static readonly IpAddress Second = IpAddress.FromIPv4(0x0a000002);
    private readonly Vl1Simulation _simulation = new();
    private readonly Source _source = new();
    private readonly FakeVl2Client _client = new();
    private readonly Network _network;

    public NetworkTests()
    {
        var node = _simulation.Add(1, _simulation.CreatePlanet("10.0.0.1"), "10.0.0.2").Node;
        _network = new Network(Id, node, _source, new FakeGate(), new Vl2DropCounters(), new NetworkTableOptions
        {
            Client = _client,
            TimeProvider = _simulation.Clock,
            Random = new SeededRandom(1),
            Completions = PipeScheduler.Inline,
        });
        _network.Start();
    }

    public void Dispose()
    {
        _network.Dispose();
        _simulation.Dispose();
    }

    [Fact]
    public void It_has_port_and_stack_before_it_has_a_configuration()
    {
        Assert.Equal(ZeroTierNetworkStatus.RequestingConfiguration, _network.State.Status);
        Assert.Same(_network, _source.Sink);
        using var listener = _network.Stack.Tcp.Listen(null, 80);
        Assert.Empty(_client.Changes);

        _network.Apply(Configuration([First]));

        Assert.Equal(ZeroTierNetworkStatus.Ok, _network.State.Status);
        Assert.Equal(First, _network.Stack.SelectSource(Second));
        Assert.Equal([(ZeroTierNetworkStatus.RequestingConfiguration, ZeroTierNetworkStatus.Ok)], _client.Changes);
    }

    [Fact]
    public void A_failure_keeps_the_configuration_and_the_next_configuration_ends_it()
    {
        var configuration = Configuration([First]);
        _network.Apply(configuration);

        _network.Fail(new NetworkFailure(ZeroTierNetworkStatus.AccessDenied, "The controller refuses."));

        Assert.Equal(ZeroTierNetworkStatus.AccessDenied, _network.State.Status);
        Assert.Same(configuration, _network.Configuration);
        Assert.Equal(First, _network.Stack.SelectSource(Second));

        _network.Apply(configuration with { Timestamp = 2 });
        Assert.Equal(ZeroTierNetworkStatus.Ok, _network.State.Status);
        Assert.Null(_network.State.Failure);
    }

    [Fact]
    public void What_is_open_survives_a_change_of_everything_but_its_address()
    {
        _network.Apply(Configuration([First, Second]));
        using var any = _network.Stack.BindUdp(null, 7);
        using var kept = _network.Stack.BindUdp(First, 8);
        using var lost = _network.Stack.BindUdp(Second, 8);
        var waiting = new[] { any, kept, lost }.Select(
            s => s.ReceiveAsync(new byte[9], TestContext.Current.CancellationToken).AsTask()).ToArray();

        _network.Apply(Configuration([First]) with
        {
            Mtu = 1280,
            Name = "renamed",
            Revision = 2,
            MulticastLimit = 0,
            Routes = [new(IpAddress.FromIPv4(0x0a090000), 16, IpAddress.FromIPv4(0x0a000005), 0)],
            Filter = new FakeFilter { Verdict = Verdict.Drop },
        });

        Assert.Equal([false, false, true], waiting.Select(task => task.IsFaulted));
        Assert.Equal(1280, _network.Stack.Output.MaxPayload(First) + 20);
        Assert.Equal(First, _network.Stack.SelectSource(IpAddress.FromIPv4(0x0a090001)));
    }

    [Fact]
    public void A_change_reported_while_another_is_put_in_force_comes_after_it()
    {
        _client.OnChange = change =>
        {
            if (change.After == ZeroTierNetworkStatus.Ok)
            {
                // As the code of an application may, which runs inside with an inline scheduler.
                _network.Fail(new NetworkFailure(ZeroTierNetworkStatus.NotFound, "Gone."));
                Assert.Equal(ZeroTierNetworkStatus.Ok, _network.State.Status);
            }
        };

        _network.Apply(Configuration([First]));

        Assert.Equal(
            [
                (ZeroTierNetworkStatus.RequestingConfiguration, ZeroTierNetworkStatus.Ok),
                (ZeroTierNetworkStatus.Ok, ZeroTierNetworkStatus.NotFound),
            ],
            _client.Changes);
    }

    [Fact]
    public void A_configuration_that_no_stack_can_use_is_refused_to_its_source()
    {
        Assert.Throws<ArgumentException>(() => _network.Apply(Configuration([IpAddress.FromIPv4(0xe0000001)])));

        Assert.Equal(ZeroTierNetworkStatus.RequestingConfiguration, _network.State.Status);
        Assert.Empty(_client.Changes);
    }

    [Fact]
    public void The_largest_mtu_leaves_room_for_the_packets_header()
    {
        _network.Apply(Configuration([First]) with { Mtu = 10_000 });
        var batch = _network.Port.BeginBatch();

        // Bytes of a whole frame at the stack's MTU fit; the network's MTU itself would not.
        Assert.Equal(VirtualPort.MaxFrameLength, batch.Reserve(VirtualPort.MaxFrameLength).Length);
        batch.Send();
        Assert.Equal(VirtualPort.MaxFrameLength, _network.Stack.Mtu);
    }

    [Fact]
    public void After_it_was_left_nothing_is_put_in_force()
    {
        _network.Dispose();

        _network.Apply(Configuration([First]));

        Assert.Empty(_client.Changes);
        Assert.Null(_network.Configuration);
    }

    private static NetworkConfiguration Configuration(IpAddress[] addresses) => new()
    {
        Id = Id,
        Addresses = [.. addresses.Select(address => new ZeroTier.Managed.IpStack.IpInterfaceAddress(address, 24))],
        Filter = new FakeFilter(),
    };

    private sealed class Source : IConfigurationSource
    {
        public IConfigurationSink? Sink { get; private set; }

        public void Start(IConfigurationSink sink) => Sink = sink;

        public void OnTick(long now)
        {
        }

        public PacketResult OnConfiguration(Peer peer, in PacketInfo info, bool isPushed, ReadOnlySpan<byte> chunk) => PacketResult.Ignored;

        public PacketResult OnError(Peer peer, ulong requestId, ErrorCode code, ReadOnlySpan<byte> data) => PacketResult.Ignored;
    }
}
