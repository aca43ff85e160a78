using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using ZeroTier.Engines;
using ZeroTier.Libzt;
using ZeroTier.Managed;
using ZeroTier.SelfHosting;

namespace ZeroTier.Hosting.Node;

/// <summary>Creates a node of the chosen engine.</summary>
internal sealed class EngineFactory(IServiceProvider services, ILoggerFactory loggerFactory, TimeProvider timeProvider) : INodeFactory
{
    private readonly ILogger _logger = NonThrowingLogger.Create(loggerFactory, NodeLog.Category);

    // Resolved in the constructor, before the node: the container disposes services in reverse order of creation.
    private readonly IControllerSource? _controllers = services.GetService<IControllerSource>();

    public string? LeftOut =>
        services.GetServices<INodeExclusion>().Select(exclusion => exclusion.Reason).FirstOrDefault(reason => reason is not null);

    private string ApplicationName => services.GetService<IHostEnvironment>()?.ApplicationName is { Length: > 0 } name ? name : "app";

    public async ValueTask<NodeLease> CreateAsync(ZeroTierNodeOptions options, CancellationToken cancellationToken)
    {
        var choice = EngineChoice.Of(options);
        LibztNode? native = null;
        if (choice.Library is not null)
        {
            native = CreateLibzt(options);
            if (options.Engine == ZeroTierEngine.Auto && !await ReserveAsync(native, cancellationToken).ConfigureAwait(false))
            {
                (native, choice) = (null, EngineChoice.Second);
            }
        }

        NodeLog.EngineChosen(_logger, choice.Engine, choice.Reason);
        if (choice.Detail is { } detail)
        {
            NodeLog.EngineChosenInDetail(_logger, detail);
        }

        LogRoots(options);
        return native is not null ? new NodeLease(native)
            : options.DevelopmentNetworkSelected ? await CreateDevelopmentAsync(options, cancellationToken).ConfigureAwait(false)
            : await CreateManagedAsync(options, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Reserves libzt before the node is used, because another host of the process may be choosing it at the same time.</summary>
    private static async Task<bool> ReserveAsync(LibztNode node, CancellationToken cancellationToken)
    {
        bool reserved = false;
        try
        {
            return reserved = await node.TryReserveAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            if (!reserved)
            {
                await node.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    private void LogRoots(ZeroTierNodeOptions options)
    {
        bool isPublic = !options.DevelopmentNetworkSelected && options.PlanetPath is null;
        if (isPublic && !options.PublicRoots && services.GetService<IHostEnvironment>()?.IsDevelopment() != true)
        {
            NodeLog.PublicRootsUnasked(_logger);
        }

        NodeLog.RootsChosen(_logger, DescribeRoots(options));
    }

    private string DescribeRoots(ZeroTierNodeOptions options) => options.DevelopmentNetworkSelected
        ? $"those of the development network in '{options.DevelopmentNetworkPath ?? new DevelopmentNetworkOptions().Path}', on this "
            + "machine only"
        : options.PlanetPath is { } planet ? $"those of the planet file '{planet}'"
        : $"the public ones of ZeroTier, since {ZeroTierNodeOptions.SectionName}:PlanetPath is not set"
            + (StoragePath(options) is { } storage ? $", or their successors in '{storage}'" : "");

    private async ValueTask<NodeLease> CreateManagedAsync(ZeroTierNodeOptions options, CancellationToken cancellationToken)
    {
        var common = await NodeOptionsAsync(options, cancellationToken).ConfigureAwait(false);
        string? storage = StoragePath(options);
        var planet = options.PlanetPath is { } path ? LoadPlanet(path) : KnownPlanet(storage);
        var identity = Identity(options);
        return new NodeLease(
            new ManagedNode(common with { StoragePath = storage, Identity = identity, Planet = planet }),
            new Backing(null, null, identity, null));
    }

    private LibztNode CreateLibzt(ZeroTierNodeOptions options)
    {
        byte[] planet = [];
        if (options.PlanetPath is { } path)
        {
            // Validated here for a useful error, because libzt reports no reason.
            LoadPlanet(path);
            planet = File.ReadAllBytes(path);
        }

        return new LibztNode(new LibztNodeOptions
        {
            LibraryPath = options.LibztPath,
            StoragePath = StoragePath(options),
            Identity = options.IdentitySecret,
            Planet = planet,
            UsePublicRoots = options.PlanetPath is null,
            Port = options.Port,
            Networks = [.. options.Networks.Select(NetworkId.Parse)],
            TimeProvider = timeProvider,
            LoggerFactory = loggerFactory,
        });
    }

    private async Task<NodeLease> CreateDevelopmentAsync(ZeroTierNodeOptions options, CancellationToken cancellationToken)
    {
        var common = await NodeOptionsAsync(options, cancellationToken).ConfigureAwait(false);
        var settings = new DevelopmentNetworkOptions { TimeProvider = timeProvider, LoggerFactory = loggerFactory };
        if (options.DevelopmentNetworkPath is { } path)
        {
            settings = settings with { Path = path };
        }

        var network = await DevelopmentNetwork.OpenAsync(settings, cancellationToken).ConfigureAwait(false);
        DevelopmentStorage? storage = null;
        try
        {
            storage = options is { StoragePath: null, IdentitySecret: null } ? network.ClaimStorage(ApplicationName) : null;
            var identity = Identity(options);
            var node = new ManagedNode(
                network.Configure(common with { StoragePath = options.StoragePath ?? storage?.Path, Identity = identity }));
            var name = new AnnouncedName(network, node, ApplicationName, timeProvider, _logger);
            return new NodeLease(node, new Backing(network, storage, identity, name), name.Announce);
        }
        catch
        {
            storage?.Dispose();
            await network.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private async ValueTask<ManagedNodeOptions> NodeOptionsAsync(ZeroTierNodeOptions options, CancellationToken cancellationToken) => new()
    {
        Port = options.Port,
        Networks = [.. options.Networks.Select(NetworkId.Parse)],

        // Networks in the storage folder are not joined again, so that one removed from the configuration is left.
        RejoinsNetworks = false,
        AllowDefaultRoutes = options.AllowDefaultRoutes,
        AllowGlobalAddresses = options.AllowGlobalAddresses,
        CongestionControl = options.CongestionControl,
        Moons = [.. options.Moons],
        BlockedNetworks = [.. options.BlockedNetworks],
        BlockedInterfaces = [.. options.BlockedInterfaces],
        TcpRelay = options.TcpRelay,
        TcpRelayListen = options.TcpRelayListen,
        Controller = _controllers is null ? null : await _controllers.OpenAsync(cancellationToken).ConfigureAwait(false),
        MaxTotalBufferSize = options.Transport.MaxTotalBufferSize,
        TimeProvider = timeProvider,
        LoggerFactory = loggerFactory,
    };

    /// <summary>
    /// The public roots; null when the storage folder contains a planet file, an update received from the roots, which the node loads
    /// itself.
    /// </summary>
    private static Planet? KnownPlanet(string? storage) =>
        storage is not null && File.Exists(Path.Combine(storage, "planet")) ? null : Planet.Earth;

    private static Planet LoadPlanet(string path)
    {
        try
        {
            return Planet.Load(path);
        }
        catch (Exception exception) when (exception is IOException or FormatException or UnauthorizedAccessException)
        {
            throw new ZeroTierException(
                ZeroTierError.Storage,
                $"{ZeroTierNodeOptions.SectionName}:PlanetPath is '{path}', which cannot be used: {exception.Message} A valid planet is "
                + "made with 'zt planet create'.",
                exception);
        }
    }

    private static NodeIdentity? Identity(ZeroTierNodeOptions options) =>
        options.IdentitySecret is { } secret ? NodeIdentity.Parse(secret) : null;

    private string? StoragePath(ZeroTierNodeOptions options) => NodeStorage.PathOf(options, ApplicationName);

    /// <summary>
    /// Resources that are disposed after the node: its name on the development network, that network, the claim on a storage folder, and an
    /// identity from the options.
    /// </summary>
    private sealed class Backing(
        DevelopmentNetwork? network, DevelopmentStorage? storage, NodeIdentity? identity, AnnouncedName? name) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            name?.Dispose();
            identity?.Dispose();
            storage?.Dispose();
            if (network is not null)
            {
                await network.DisposeAsync().ConfigureAwait(false);
            }
        }
    }
}
