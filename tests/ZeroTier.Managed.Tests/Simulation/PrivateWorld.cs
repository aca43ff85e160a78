using System.Globalization;
using System.IO.Pipelines;
using System.Net;
using Microsoft.Extensions.Logging;
using ZeroTier.Managed.Datagrams;
using ZeroTier.Managed.IpStack;
using ZeroTier.Managed.Tests.Node;
using ZeroTier.Managed.Vl2;
using ZeroTier.Managed.Vl2.Configuration;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.Simulation;

/// <summary>
/// A root, a controller and members of a private network with IPv4 addresses, in virtual time. Equal seeds give equal runs.
/// </summary>
internal sealed class PrivateWorld
{
    private const int ControllerIndex = 1;
    private const int FirstMember = 2;

    private readonly Func<ManagedNodeOptions, ManagedNodeOptions> _options;

    public PrivateWorld(ulong seed, int members)
        : this(seed, members, static options => options)
    {
    }

    public PrivateWorld(ulong seed, int members, Func<ManagedNodeOptions, ManagedNodeOptions> options)
    {
        _options = options;
        Clock = new VirtualClock();
        Physical = new VirtualNetwork(Clock, seed);
        Hosts = [.. Enumerable.Range(0, members + FirstMember)
            .Select(i => Physical.AddHost($"node{i}", string.Create(CultureInfo.InvariantCulture, $"10.0.0.{i + 1}")))];
        Controller = new TestController(Clock);
        using (var identity = TestIdentities.Get(ControllerIndex))
        {
            Id = new NetworkId(identity.Address.Value << 24 | 1);
        }

        Network = Controller.Add(Id);
        Network.Flags = NetworkFlags.Broadcast | NetworkFlags.NdpEmulation;
        Network.Routes.Add(new IpRoute(IpAddress.From(IPAddress.Parse("10.147.20.0")), 24, null, 0));
        Root = Create(0);
        ControllerNode = Create(ControllerIndex);
        Members = [.. Enumerable.Range(0, members).Select(i => Create(FirstMember + i))];
        for (int i = 0; i < members; i++)
        {
            Assign(i);
        }
    }

    public VirtualClock Clock { get; }

    /// <summary>What all nodes have logged.</summary>
    public LogCollector Logs { get; } = new();

    public VirtualNetwork Physical { get; }

    public IReadOnlyList<VirtualHost> Hosts { get; }

    public NetworkId Id { get; }

    public TestController Controller { get; }

    public TestNetwork Network { get; }

    public ManagedNode Root { get; }

    public ManagedNode ControllerNode { get; }

    public List<ManagedNode> Members { get; }

    public void Run(Func<Task> code, TimeSpan? limit = null) => Clock.Run(code, limit ?? TimeSpan.FromHours(3));

    public Task Delay(TimeSpan time)
    {
        var done = new TaskCompletionSource();
        Clock.Schedule(time, () => done.SetResult());
        return done.Task;
    }

    /// <summary>The member's record at the controller.</summary>
    public TestMember Record(int member)
    {
        using var identity = TestIdentities.Get(FirstMember + member);
        return Network.Member(identity.Address);
    }

    public IPAddress IPv4Of(int member) => IPAddress.Parse(string.Create(CultureInfo.InvariantCulture, $"10.147.20.{member + 10}"));

    public IPAddress IPv6Of(int member) => Id.GetRfc4193Address(Record(member).Node);

    public ZeroTierEndPoint EndPoint(int member, int port) => new(Id, IPv4Of(member), port);

    /// <summary>Starts all; the members are authorised first where that is wanted.</summary>
    public async Task StartAsync(bool authorized = true)
    {
        await Root.StartAsync();
        await ControllerNode.StartAsync();
        await ControllerNode.WaitForOnlineAsync();
        for (int i = 0; i < Members.Count; i++)
        {
            Record(i).IsAuthorized = authorized;
            await Members[i].JoinAsync(Id);
            await Members[i].StartAsync();
        }

        foreach (var node in Members)
        {
            await node.WaitForOnlineAsync();
            if (authorized)
            {
                await node.WaitForNetworkAsync(Id);
            }
        }
    }

    /// <summary>A member that forgets all it knew, as after a restart without a storage folder.</summary>
    public async Task RestartAsync(int member)
    {
        await Members[member].DisposeAsync();
        Members[member] = Create(FirstMember + member);
        await Members[member].JoinAsync(Id);
        await Members[member].StartAsync();
    }

    public void Stop() => Run(async () =>
    {
        foreach (var node in Members.Append(ControllerNode).Append(Root))
        {
            await node.DisposeAsync();
        }
    });

    /// <summary>Sends bytes over a new connection and returns what came; the server ends it.</summary>
    public async Task<byte[]> TransferAsync(int from, ZeroTierEndPoint to, int server, byte[] data)
    {
        var token = TestContext.Current.CancellationToken;
        await using var listener = await Members[server].ListenAsync(
            new ZeroTierEndPoint(Id, to.Port), SimulatedWorld.InlineTransport, token);
        var receiving = ReceiveAsync(listener, token);

        // Written before it is accepted: where the ACK of the handshake is lost as often as the server asks for it, only data can say that
        // the client is there.
        await using var client = await Members[from].ConnectAsync(to, SimulatedWorld.InlineTransport, token);
        await client.Output.WriteAsync(data, token);
        await client.Output.CompleteAsync();
        return await receiving;
    }

    private static async Task<byte[]> ReceiveAsync(IZeroTierListener listener, CancellationToken cancellationToken)
    {
        await using var accepted = await listener.AcceptAsync(cancellationToken);
        return accepted is null ? [] : await ReadToEndAsync(accepted.Input);
    }

    public static async Task<byte[]> ReadToEndAsync(PipeReader reader)
    {
        var bytes = new MemoryStream();
        while (true)
        {
            ReadResult result = await reader.ReadAsync(TestContext.Current.CancellationToken);
            foreach (var segment in result.Buffer)
            {
                bytes.Write(segment.Span);
            }

            reader.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted)
            {
                return bytes.ToArray();
            }
        }
    }

    private void Assign(int member)
    {
        TestMember record = Record(member);
        record.Addresses.Add(new IpInterfaceAddress(IpAddress.From(IPv4Of(member)), 24));
        record.Addresses.Add(new IpInterfaceAddress(IpAddress.From(IPv6Of(member)), MemberAddressing.Rfc4193PrefixLength));
    }

    private ManagedNode Create(int index) => new(OptionsOf(index));

    private ManagedNodeOptions OptionsOf(int index) => _options(new ManagedNodeOptions
    {
        Identity = TestIdentities.Get(index),
        Planet = SimulatedWorld.SharedPlanet,
        LoggerFactory = new LoggerFactory([Logs]),
        TimeProvider = Clock,
        RandomSource = Physical.Random.Fork(),
        Scheduler = PipeScheduler.Inline,
        Controller = index == ControllerIndex ? Controller : null,
        DatagramTransportFactory = () => Hosts[index].Open(SimulatedWorld.UdpPort),
    });
}
