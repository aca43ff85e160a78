using System.Globalization;
using System.IO.Pipelines;
using System.Net;
using ZeroTier.Conformance;
using ZeroTier.Managed.Tests.Node;
using ZeroTier.Managed.Vl2;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.Simulation;

/// <summary>
/// A universe in virtual time, on one thread: a root and some members of one ad-hoc network. Equal seeds give equal runs.
/// </summary>
internal sealed class SimulatedWorld
{
    public const ushort UdpPort = 9993;

    // Signed once for all runs: the signature is the same each time, and costs more than a short simulation.
    public static Planet SharedPlanet { get; } = MakePlanet();
    private readonly List<ManagedNode> _nodes = [];

    public SimulatedWorld(ulong seed, int members)
    {
        Clock = new VirtualClock();
        Physical = new VirtualNetwork(Clock, seed);
        Hosts = [.. Enumerable.Range(0, members + 1).Select(i => Physical.AddHost(i == 0 ? "root" : $"node{i}", Address(i)))];
        Root = CreateNode(0);
        Members = [.. Enumerable.Range(1, members).Select(i => CreateNode(i))];
    }

    public static NetworkId Network { get; } = NetworkId.AdHoc(0, ushort.MaxValue);

    public VirtualClock Clock { get; }

    public FaultLog Faults { get; } = new();

    public VirtualNetwork Physical { get; }

    /// <summary>The machines: the root's first.</summary>
    public IReadOnlyList<VirtualHost> Hosts { get; }

    public ManagedNode Root { get; }

    public IReadOnlyList<ManagedNode> Members { get; }

    public static ZeroTierConnectionOptions InlineTransport { get; } = new()
    {
        ApplicationScheduler = PipeScheduler.Inline,
        TransportScheduler = PipeScheduler.Inline,

        // What is tested here is how long TCP itself goes on.
        ConnectTimeout = Timeout.InfiniteTimeSpan,
    };

    /// <summary>Runs code in virtual time until it completes.</summary>
    public void Run(Func<Task> code, TimeSpan? limit = null) => Clock.Run(code, limit ?? TimeSpan.FromMinutes(30));

    /// <summary>Starts all nodes and joins the members; returns when all are online.</summary>
    public async Task StartAsync()
    {
        await Root.StartAsync();
        foreach (var node in Members)
        {
            await node.JoinAsync(Network);
            await node.StartAsync();
        }

        foreach (var node in Members)
        {
            await node.WaitForOnlineAsync();
        }
    }

    /// <summary>A member's address on the network, whether it runs or not.</summary>
    public IPAddress AddressOf(int member)
    {
        using var identity = TestIdentities.Get(member + 1);
        return new MemberAddressing(Network).SixPlane(identity.Address).ToIPAddress();
    }

    public ZeroTierEndPoint EndPointOf(int member, int port) => new(Network, AddressOf(member), port);

    /// <summary>
    /// Ends the nodes. What is left on the clock afterwards are leaks. Fails when a node has hidden an error that should not be.
    /// </summary>
    public void Stop()
    {
        Run(async () =>
        {
            foreach (var node in _nodes)
            {
                await node.DisposeAsync();
            }
        });
        Assert.DoesNotContain(Faults.Lines, line => !line.StartsWith("NodeFailed", StringComparison.Ordinal));
    }

    /// <summary>How the node of a machine is built: the root's is 0.</summary>
    public ManagedNodeOptions OptionsOf(int index) => new()
    {
        Identity = TestIdentities.Get(index),
        Planet = SharedPlanet,
        TimeProvider = Clock,
        RandomSource = Physical.Random.Fork(),
        Scheduler = PipeScheduler.Inline,
        LoggerFactory = Faults,
        DatagramTransportFactory = () => Hosts[index].Open(UdpPort),
    };

    public Task Delay(TimeSpan time)
    {
        // Task.Delay would continue on the thread pool.
        var done = new TaskCompletionSource();
        Clock.Schedule(time, () => done.SetResult());
        return done.Task;
    }

    private ManagedNode CreateNode(int index)
    {
        var node = new ManagedNode(OptionsOf(index));
        _nodes.Add(node);
        return node;
    }

    private static string Address(int index) => string.Create(CultureInfo.InvariantCulture, $"10.0.0.{index + 1}");

    private static Planet MakePlanet()
    {
        using var key = PlanetSigningKey.Generate();
        var endPoint = InetEndPoint.From(new IPEndPoint(IPAddress.Parse(Address(0)), UdpPort));
        return Planet.Create(
            7, new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero), [new PlanetRoot(TestIdentities.Get(0), [endPoint])], key);
    }
}
