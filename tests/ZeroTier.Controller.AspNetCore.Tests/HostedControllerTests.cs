using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using ZeroTier.Hosting;
using ZeroTier.Service.AspNetCore;

namespace ZeroTier.Controller.AspNetCore.Tests;

/// <summary>A controller in the node of a host, with sockets on loopback.</summary>
public sealed class HostedControllerTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Node_of_the_host_carries_the_controller_and_joins_its_network()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("zt-api-");
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddZeroTier(node =>
        {
            node.StoragePath = ":memory:";
            node.UseDevelopmentNetwork(Path.Combine(folder.FullName, "development"));
        });
        var store = new WatchedStore();
        builder.Services.AddZeroTierController(options => options.Store = store);
        builder.Services.Configure<ZeroTierServiceOptions>(
            options => options.TokenPath = Path.Combine(folder.FullName, "authtoken.secret"));
        IHost host = builder.Build();
        await host.StartAsync(TestContext.Current.CancellationToken);
        ZeroTierNode node = host.Services.GetRequiredService<ZeroTierNode>();
        store.Node = node;
        NetworkController controller =
            await host.Services.GetRequiredService<NetworkControllerHost>().GetAsync(TestContext.Current.CancellationToken);

        Assert.Equal(node.Id, controller.Node);
        ControllerNetwork network = await controller.CreateNetworkAsync(
            n => n with { IsPrivate = false, IPv6Assignment = IPv6Assignment.Rfc4193 },
            Actor.Controller,
            TestContext.Current.CancellationToken);
        await node.JoinAsync(network.Id, TestContext.Current.CancellationToken);
        await node.WaitForNetworkAsync(network.Id, TestContext.Current.CancellationToken)
            .WaitAsync(Patience, TestContext.Current.CancellationToken);
        Assert.True(controller.FindMember(network.Id, node.Id)!.Member.IsAuthorized);

        await host.StopAsync(TestContext.Current.CancellationToken);
        await ((IAsyncDisposable)host).DisposeAsync();
        Assert.Equal(ZeroTierNodeState.Disposed, store.NodeStateAtDisposal);
        folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Node_is_disposed_of_first_where_the_host_was_not_stopped()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("zt-api-");
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddZeroTier(node =>
        {
            node.StoragePath = ":memory:";
            node.UseDevelopmentNetwork(Path.Combine(folder.FullName, "development"));
        });
        var store = new WatchedStore();
        builder.Services.AddZeroTierController(options => options.Store = store);
        builder.Services.Configure<ZeroTierServiceOptions>(
            options => options.TokenPath = Path.Combine(folder.FullName, "authtoken.secret"));
        IHost host = builder.Build();
        store.Node = host.Services.GetRequiredService<ZeroTierNode>();
        await host.StartAsync(TestContext.Current.CancellationToken);

        await ((IAsyncDisposable)host).DisposeAsync();

        Assert.Equal(ZeroTierNodeState.Disposed, store.NodeStateAtDisposal);
        folder.Delete(recursive: true);
    }

    [Fact]
    public void Node_without_networks_is_no_mistake_where_it_carries_a_controller()
    {
        var options = new ZeroTierNodeOptions { CarriesController = true };

        Assert.True(new ZeroTier.Hosting.Configuration.NodeOptionsValidator().Validate(null, options).Succeeded);
        Assert.False(new ZeroTier.Hosting.Configuration.NodeOptionsValidator().Validate(null, new ZeroTierNodeOptions()).Succeeded);
    }

    [Fact]
    public void Libzt_is_refused_where_the_node_carries_a_controller_and_never_chosen()
    {
        var error = Assert.Throws<ZeroTierException>(() =>
            ZeroTier.Hosting.Node.EngineChoice.Of(new ZeroTierNodeOptions { CarriesController = true, Engine = ZeroTierEngine.Libzt }));

        Assert.Contains("Managed", error.Message, StringComparison.Ordinal);
        Assert.Contains("controller", ZeroTier.Hosting.Node.EngineChoice.Of(new ZeroTierNodeOptions { CarriesController = true }).Reason,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Mapping_without_a_controller_says_what_to_call()
    {
        WebApplication app = WebApplication.CreateSlimBuilder().Build();

        Assert.Contains(
            "AddZeroTierController",
            Assert.Throws<InvalidOperationException>(() => app.MapZeroTierController()).Message,
            StringComparison.Ordinal);
    }

    /// <summary>Remembers in which state the node was when the controller ended.</summary>
    private sealed class WatchedStore : IControllerStore
    {
        private readonly MemoryControllerStore _inner = new();

        public ZeroTierNode? Node { get; set; }

        public ZeroTierNodeState? NodeStateAtDisposal { get; private set; }

        public Task OpenAsync(CancellationToken cancellationToken) => _inner.OpenAsync(cancellationToken);

        public IAsyncEnumerable<ControllerNetwork> LoadNetworksAsync(CancellationToken cancellationToken) =>
            _inner.LoadNetworksAsync(cancellationToken);

        public IAsyncEnumerable<ControllerMember> LoadMembersAsync(CancellationToken cancellationToken) =>
            _inner.LoadMembersAsync(cancellationToken);

        public Task WriteAsync(IReadOnlyList<StoreChange> changes, IReadOnlyList<AuditEntry> audit, CancellationToken cancellationToken) =>
            _inner.WriteAsync(changes, audit, cancellationToken);

        public Task<IControllerLease> AcquireAsync(CancellationToken cancellationToken) => _inner.AcquireAsync(cancellationToken);

        public IAsyncEnumerable<AuditEntry> ReadAuditAsync(AuditQuery query, CancellationToken cancellationToken) =>
            _inner.ReadAuditAsync(query,
                cancellationToken);

        public ValueTask DisposeAsync()
        {
            NodeStateAtDisposal = Node?.State;
            return _inner.DisposeAsync();
        }
    }
}
