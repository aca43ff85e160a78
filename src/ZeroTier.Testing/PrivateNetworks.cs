using System.Net;
using ZeroTier.Controller;
using ZeroTier.Managed;

namespace ZeroTier.Testing;

/// <summary>The controller of a <see cref="TestNetwork"/>, with an in-memory store, and its networks. Thread-safe.</summary>
internal sealed class PrivateNetworks : IAsyncDisposable
{
    private static readonly Actor Test = new("test");

    private readonly TestNetworkOptions _options;
    private NameService? _names;

    private PrivateNetworks(TestNetworkOptions options, NetworkController controller) => (_options, Controller) = (options, controller);

    public NetworkController Controller { get; }

    public static async Task<PrivateNetworks> OpenAsync(TestNetworkOptions options, CancellationToken cancellationToken)
    {
        var settings = new NetworkControllerOptions { Store = new MemoryControllerStore(), LoggerFactory = options.LoggerFactory };
        return new PrivateNetworks(options, await NetworkController.OpenAsync(settings, cancellationToken).ConfigureAwait(false));
    }

    /// <summary>
    /// Starts serving names, and waits until the controller is active. Call it when the node with the controller has started.
    /// </summary>
    public async Task StartAsync(ZeroTierNode node, CancellationToken cancellationToken)
    {
        _names = new NameService(Controller, node, new NameServiceOptions { LoggerFactory = _options.LoggerFactory });
        while (!Controller.IsActive)
        {
            // It acquires the lease of its store in the background.
            await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, cancellationToken).ConfigureAwait(false);
        }
    }

    public bool Has(NetworkId network) => Controller.FindNetwork(network) is not null;

    public async Task<NetworkId> CreateAsync(Func<ControllerNetwork, ControllerNetwork> settings, CancellationToken cancellationToken) =>
        (await Controller.CreateNetworkAsync(
            network => settings(WithAddresses(network)), Test, cancellationToken).ConfigureAwait(false)).Id;

    public async Task AdmitAsync(NodeId node, IEnumerable<NetworkId> networks, CancellationToken cancellationToken)
    {
        foreach (var network in networks.Where(Has))
        {
            await Controller.UpdateMemberAsync(
                network, node, member => member with { IsAuthorized = true }, null, Test, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Stops serving names. Call it before the nodes are disposed.</summary>
    public ValueTask StopAsync() => _names?.DisposeAsync() ?? ValueTask.CompletedTask;

    /// <summary>Disposes the controller. Call it after the nodes are disposed.</summary>
    public ValueTask DisposeAsync() => Controller.DisposeAsync();

    private static ControllerNetwork WithAddresses(ControllerNetwork network) => network with
    {
        Name = "test",
        AssignsIPv4 = true,
        IPv6Assignment = IPv6Assignment.Rfc4193,
        Routes = [new NetworkRoute(IPAddress.Parse("10.147.17.0"), 24, null)],
        AddressPools = [new AddressPool(IPAddress.Parse("10.147.17.1"), IPAddress.Parse("10.147.17.254"))],
    };
}
