using System.IO.Pipelines;
using System.Text;
using ZeroTier.Managed;
using ZeroTier.Managed.Vl2.Configuration;
using ZeroTier.Simulation;

namespace ZeroTier.Controller.Tests;

/// <summary>
/// A controller without a node, in virtual time and on the test's thread: requests go in by hand, what would be sent is recorded.
/// </summary>
internal sealed class ControllerBench : IAsyncDisposable
{
    public static readonly Actor Admin = new("admin");

    private readonly IControllerStore _store;
    private readonly Action<NetworkControllerBuilder>? _configure;
    private ulong _packet;

    private ControllerBench(IControllerStore store, Action<NetworkControllerBuilder>? configure)
    {
        _store = store;
        _configure = configure;
    }

    public VirtualClock Clock { get; } = new();

    public RecordingPort Port { get; } = new(TestIdentities.All[0]);

    public SeededRandom Random { get; } = new(1);

    public NetworkController Controller { get; private set; } = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static async Task<ControllerBench> StartAsync(IControllerStore? store = null, Action<NetworkControllerBuilder>? configure = null)
    {
        var bench = new ControllerBench(store ?? new MemoryControllerStore(), configure);
        await bench.OpenAsync();
        return bench;
    }

    /// <summary>As after a restart of the process, on the same store.</summary>
    public async Task RestartAsync()
    {
        await Controller.DisposeAsync();
        Port.Sent.Clear();
        await OpenAsync();
    }

    public Task<ControllerNetwork> CreateAsync(Func<ControllerNetwork, ControllerNetwork>? settings = null) =>
        Controller.CreateNetworkAsync(settings ?? (n => n), Admin, Token);

    public Task<ControllerMember> AuthorizeAsync(NetworkId network, NodeIdentity node) =>
        Controller.UpdateMemberAsync(network, node.Address, m => m with { IsAuthorized = true }, null, Admin, Token);

    public Task<ControllerMember> UpdateAsync(NetworkId network, NodeIdentity node, Func<ControllerMember, ControllerMember> change) =>
        Controller.UpdateMemberAsync(network, node.Address, change, null, Admin, Token);

    public Task<ControllerNetwork> UpdateAsync(NetworkId network, Func<ControllerNetwork, ControllerNetwork> change) =>
        Controller.UpdateNetworkAsync(network, change, null, Admin, Token);

    /// <summary>A request; the answer, if there was one.</summary>
    public Sent? Ask(NetworkId network, NodeIdentity node, string? token = null, int rules = 1)
    {
        var metadata = new NetworkDictionaryWriter()
            .Add("v", 7)
            .Add("pv", 12)
            .Add("majv", 1)
            .Add("minv", 14)
            .Add("revv", 2)
            .Add("revr", (ulong)rules);
        if (token is not null)
        {
            metadata.Add("a", $"token:{token}");
        }

        return Ask(network, node, metadata.ToArray());
    }

    public Sent? Ask(NetworkId network, NodeIdentity node, byte[] metadata)
    {
        ulong packet = ++_packet;
        ((INetworkController)Controller).OnRequest(new ControllerRequest(network, node, packet, metadata));
        return Port.Sent.SingleOrDefault(s => s.PacketId == packet);
    }

    /// <summary>As above, a second after what was before.</summary>
    public Sent? AskLater(NetworkId network, NodeIdentity node, string? token = null)
    {
        Clock.Advance(TimeSpan.FromSeconds(1));
        return Ask(network, node, token);
    }

    public async ValueTask DisposeAsync()
    {
        ((INetworkController)Controller).Stop();
        await Controller.DisposeAsync();
    }

    private async Task OpenAsync()
    {
        var builder = new NetworkControllerBuilder
        {
            Options = new NetworkControllerOptions
            {
                Store = _store,
                TimeProvider = Clock,
                RandomSource = Random,
                Scheduler = PipeScheduler.Inline,
            },
        };
        _configure?.Invoke(builder);
        Controller = await NetworkController.OpenAsync(builder.Options, Token);
        ((INetworkController)Controller).Start(Port);
    }
}

/// <summary>Options that a test changes.</summary>
internal sealed class NetworkControllerBuilder
{
    public required NetworkControllerOptions Options { get; set; }
}

/// <summary>What a controller has sent.</summary>
/// <param name="Member">To whom.</param>
/// <param name="PacketId">The request that it answers; 0 for none.</param>
/// <param name="Refusal">Why the request was refused; null where it was not.</param>
/// <param name="Text">Configuration or details of a login.</param>
/// <param name="Revocation">A revocation; empty for none.</param>
internal sealed record Sent(NodeId Member, ulong PacketId, ControllerRefusal? Refusal, byte[] Text, byte[] Revocation)
{
    public NetworkConfiguration Configuration
    {
        get
        {
            Assert.Null(Refusal);
            Assert.True(
                NetworkConfigurationReader.TryRead(Text, new SeededRandom(1), out NetworkConfiguration? configuration, out NodeId issuedTo),
                    Encoding.Latin1.GetString(Text));
            Assert.Equal(Member, issuedTo);
            return configuration;
        }
    }
}

/// <summary>A port that goes nowhere.</summary>
internal sealed class RecordingPort(NodeIdentity identity) : IControllerPort
{
    public NodeIdentity Identity => identity;

    public List<Sent> Sent { get; } = [];

    public IEnumerable<Sent> Pushes => Sent.Where(s => s.PacketId == 0 && s.Revocation.Length == 0);

    public IEnumerable<Sent> Revocations => Sent.Where(s => s.Revocation.Length > 0);

    public void Reply(ControllerRequest request, ReadOnlyMemory<byte> dictionary) =>
        Sent.Add(new(request.Identity.Address, request.PacketId, null,
            dictionary.ToArray(), []));

    public void Refuse(ControllerRequest request, ControllerRefusal reason, ReadOnlyMemory<byte> dictionary) =>
        Sent.Add(new(request.Identity.Address, request.PacketId, reason, dictionary.ToArray(), []));

    public void Push(NetworkId network, NodeId member, ReadOnlyMemory<byte> dictionary) =>
        Sent.Add(new(member, 0, null, dictionary.ToArray(), []));

    public void Revoke(NodeId member, ReadOnlyMemory<byte> revocation) => Sent.Add(new(member, 0, null, [], revocation.ToArray()));
}
