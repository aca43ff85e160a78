using System.Globalization;
using System.IO.Pipelines;
using System.Net;
using ZeroTier.Managed;
using ZeroTier.Simulation;

namespace ZeroTier.Controller.Tests.Simulation;

/// <summary>A root, a controller and members, whole nodes in virtual time. Equal seeds give equal runs.</summary>
internal sealed class ControllerWorld
{
    private const ushort UdpPort = 9993;
    private static readonly Actor Admin = new("admin");
    private static readonly Planet Planet = MakePlanet();

    private readonly int _controllerIndex;
    private readonly IReadOnlyList<VirtualHost> _hosts;
    private readonly IReadOnlyList<SteppedClock> _clocks;

    /// <summary>Makes it; nothing runs yet.</summary>
    /// <param name="seed">Of all chance.</param>
    /// <param name="members">Nodes besides root and controller.</param>
    /// <param name="isRootController">Whether the root is the controller, too.</param>
    public ControllerWorld(ulong seed, int members, bool isRootController = false)
    {
        _controllerIndex = isRootController ? 0 : 1;
        Clock = new VirtualClock();
        Physical = new VirtualNetwork(Clock, seed);
        _hosts = [.. Enumerable.Range(0, members + _controllerIndex + 1).Select(i => Physical.AddHost($"node{i}", Address(i)))];
        _clocks = [.. _hosts.Select(_ => new SteppedClock(Clock))];
        Controller = Clock.Run(
            () => NetworkController.OpenAsync(new NetworkControllerOptions
            {
                Store = new MemoryControllerStore(),
                TimeProvider = _clocks[_controllerIndex],
                RandomSource = Physical.Random.Fork(),
                Scheduler = PipeScheduler.Inline,
            }),
            TimeSpan.FromSeconds(1));
        Root = Create(0);
        ControllerNode = isRootController ? Root : Create(1);
        Members = [.. Enumerable.Range(_controllerIndex + 1, members).Select(Create)];
    }

    public VirtualClock Clock { get; }

    public VirtualNetwork Physical { get; }

    public NetworkController Controller { get; }

    public ControllerNetwork Network { get; private set; } = null!;

    public ManagedNode Root { get; }

    public ManagedNode ControllerNode { get; }

    public IReadOnlyList<ManagedNode> Members { get; }

    public VirtualHost HostOf(ManagedNode member) => _hosts[IndexOf(member)];

    /// <summary>Sets the clock of a node, the controller's included; timers are not touched.</summary>
    public void StepClock(ManagedNode node, TimeSpan to) => _clocks[IndexOf(node)].Step = to;

    public static ZeroTierConnectionOptions InlineTransport { get; } = new()
    {
        ApplicationScheduler = PipeScheduler.Inline,
        TransportScheduler = PipeScheduler.Inline,
    };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Runs code with everything up, and ends the nodes.</summary>
    public void Run(Func<Task> code)
    {
        Clock.Run(
            async () =>
            {
                await StartAsync();
                await code();
            },
            TimeSpan.FromHours(1));
        Clock.Run(
            async () =>
            {
                foreach (ManagedNode node in Members.Append(ControllerNode).Append(Root))
                {
                    await node.DisposeAsync();
                }

                await Controller.DisposeAsync();
            },
            TimeSpan.FromHours(1));
    }

    public Task Delay(TimeSpan time)
    {
        // Task.Delay would continue on the thread pool.
        var done = new TaskCompletionSource();
        Clock.Schedule(time, () => done.SetResult());
        return done.Task;
    }

    public Task AuthorizeAsync(ManagedNode node, bool authorized = true) =>
        Controller.UpdateMemberAsync(Network.Id, node.Id, m => m with { IsAuthorized = authorized }, null, Admin, Token);

    public Task ChangeAsync(Func<ControllerNetwork, ControllerNetwork> change) =>
        Controller.UpdateNetworkAsync(Network.Id, change, null, Admin, Token);

    public IPAddress IPv4Of(ManagedNode node) => node.Networks.Single(n => n.Id == Network.Id).Addresses.Select(a => a.Address)
        .Single(a => a.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork);

    private int IndexOf(ManagedNode node) =>
        node == Root ? 0 : node == ControllerNode ? 1 : Members.Index().First(m => m.Item == node).Index + _controllerIndex + 1;

    private async Task StartAsync()
    {
        await Root.StartAsync();
        await ControllerNode.StartAsync();
        await ControllerNode.WaitForOnlineAsync();
        Network = await Controller.CreateNetworkAsync(Addressing.Pool("10.147.20.1", "10.147.20.254", "10.147.20.0"), Admin, Token);
        foreach (ManagedNode node in Members)
        {
            await node.JoinAsync(Network.Id);
            await node.StartAsync();
            await node.WaitForOnlineAsync();
        }
    }

    private ManagedNode Create(int index) => new(new ManagedNodeOptions
    {
        Identity = TestIdentities.Get(index),
        Planet = Planet,
        TimeProvider = _clocks[index],
        RandomSource = Physical.Random.Fork(),
        Scheduler = PipeScheduler.Inline,
        Controller = index == _controllerIndex ? Controller : null,
        DatagramTransportFactory = () => _hosts[index].Open(UdpPort),
    });

    private static string Address(int index) => string.Create(CultureInfo.InvariantCulture, $"10.0.0.{index + 1}");

    private static Planet MakePlanet()
    {
        using var key = PlanetSigningKey.Generate();
        var endPoint = InetEndPoint.From(new IPEndPoint(IPAddress.Parse(Address(0)), UdpPort));
        return Planet.Create(
            7, new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero), [new PlanetRoot(TestIdentities.Get(0), [endPoint])], key);
    }

    /// <summary>A machine's clock, which its operator sets.</summary>
    private sealed class SteppedClock(VirtualClock clock) : TimeProvider
    {
        public TimeSpan Step { get; set; }

        public override long TimestampFrequency => clock.TimestampFrequency;

        public override TimeZoneInfo LocalTimeZone => clock.LocalTimeZone;

        public override long GetTimestamp() => clock.GetTimestamp();

        public override DateTimeOffset GetUtcNow() => clock.GetUtcNow() + Step;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            clock.CreateTimer(callback, state, dueTime, period);
    }
}
