using System.Net;
using Microsoft.Extensions.Logging;
using ZeroTier.Engines;
using ZeroTier.Managed;

namespace ZeroTier.SelfHosting;

/// <summary>A private root: nodes with its planet find each other through the roots of that planet only. Thread-safe.</summary>
/// <remarks>It relays encrypted packets between nodes that have no direct path yet, and cannot decrypt them.</remarks>
public sealed class PrivateRoot : IAsyncDisposable
{
    /// <summary>Name of the planet file in the storage folder. Every node of the network needs a copy.</summary>
    public const string PlanetFileName = "planet";

    private readonly RootFolder _folder;
    private readonly ManagedNode _node;

    private PrivateRoot(RootFolder folder, ManagedNode node, Planet planet)
    {
        _folder = folder;
        _node = node;
        Planet = planet;
    }

    /// <summary>The planet, which every node of the network needs.</summary>
    public Planet Planet { get; }

    /// <summary>The planet's file.</summary>
    public string PlanetPath => _folder.PlanetPath;

    /// <summary>The root's node, which this object owns. It may join networks like any other node.</summary>
    public ManagedNode Node => _node;

    /// <summary>Creates the identity, signing key and planet if missing, and writes the planet. Opens no sockets.</summary>
    /// <param name="options">The options. If the endpoints differ from those of an existing planet, the planet is updated.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>The planet, stored in the storage folder as <see cref="PlanetFileName"/>.</returns>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    /// <exception cref="ZeroTierException">The folder is in use or its files are damaged.</exception>
    public static async Task<Planet> CreatePlanetAsync(PrivateRootOptions options, CancellationToken cancellationToken = default)
    {
        using var folder = await OpenFolderAsync(options, cancellationToken).ConfigureAwait(false);
        return Publish(folder, options);
    }

    /// <summary>
    /// Prepares a root whose node is started by other code, such as the host of an app: creates the identity, signing key and planet if
    /// missing, and writes the planet. A node with the same storage folder, the planet in it, and the port of the returned endpoints is
    /// then the root. Opens no sockets.
    /// </summary>
    /// <param name="options">The options. If the endpoints differ from those of an existing planet, the planet is updated.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>This root's entry in the planet, with at least one endpoint.</returns>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    /// <exception cref="ZeroTierException">The folder is in use or its files are damaged.</exception>
    public static async Task<PlanetRoot> PrepareAsync(PrivateRootOptions options, CancellationToken cancellationToken = default)
    {
        using var folder = await OpenFolderAsync(options, cancellationToken).ConfigureAwait(false);
        return Find(folder, Publish(folder, options));
    }

    /// <summary>Starts the root. Creates the identity, signing key and planet if missing.</summary>
    /// <param name="options">The options. If the endpoints differ from those of an existing planet, the planet is updated.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    /// <exception cref="ZeroTierException">The folder is in use or its files are damaged, or the port cannot be opened.</exception>
    public static async Task<PrivateRoot> StartAsync(PrivateRootOptions options, CancellationToken cancellationToken = default)
    {
        var folder = await OpenFolderAsync(options, cancellationToken).ConfigureAwait(false);
        ManagedNode? node = null;
        try
        {
            var planet = Publish(folder, options);
            var endPoints = Find(folder, planet).EndPoints;
            node = new ManagedNode(new ManagedNodeOptions
            {
                Identity = folder.Identity,
                Planet = planet,

                // Without its peer cache, a restarted root could not relay packets or introduce nodes for minutes.
                PeersPath = options.StoragePath,
                Port = endPoints[0].ToIPEndPoint().Port,
                BindAddresses = options.BindAddresses,
                TcpRelayListen = options.TcpRelay,
                DatagramTransportFactory = options.DatagramTransportFactory,
                TimeProvider = options.TimeProvider,
                RandomSource = options.RandomSource,
                LoggerFactory = options.LoggerFactory,
            });
            await node.StartAsync(cancellationToken).ConfigureAwait(false);
            SelfHostingLog.RootStarted(
                NonThrowingLogger.Create(options.LoggerFactory, "ZeroTier.SelfHosting"),
                folder.Identity.Address,
                string.Join(", ", endPoints),
                folder.PlanetPath);
            return new PrivateRoot(folder, node, planet);
        }
        catch
        {
            if (node is not null)
            {
                await node.DisposeAsync().ConfigureAwait(false);
            }

            folder.Dispose();
            throw;
        }
    }

    /// <summary>Stops the root and releases its folder.</summary>
    public async ValueTask DisposeAsync()
    {
        await _node.DisposeAsync().ConfigureAwait(false);
        _folder.Dispose();
    }

    private static Task<RootFolder> OpenFolderAsync(PrivateRootOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentException.ThrowIfNullOrWhiteSpace(options.StoragePath);
        var endPoints = options.EndPoints;
        if (endPoints.Count > Planet.MaxEndPointsPerRoot)
        {
            throw new ArgumentException(
                $"A root has 1 to {Planet.MaxEndPointsPerRoot} endpoints, for example 203.0.113.5:9993.", nameof(options));
        }

        if (endPoints.FirstOrDefault(
            e => e.Port == 0
                || e.Port != endPoints[0].Port
                || e.Address.Equals(IPAddress.Any)
                || e.Address.Equals(IPAddress.IPv6Any)) is { } bad)
        {
            throw new ArgumentException(
                $"'{bad}' cannot be an endpoint of the root: it needs an address that nodes can reach, and the port that all "
                + "endpoints share.", nameof(options));
        }

        PrivateFolder.Create(options.StoragePath);
        return RootFolder.OpenAsync(
            options.StoragePath,
            Path.Combine(options.StoragePath, PlanetFileName),
            replacesPlanet: false,
            options.RandomSource,
            cancellationToken);
    }

    private static PlanetRoot Find(RootFolder folder, Planet planet) =>
        planet.Roots.First(root => root.Identity.Equals(folder.Identity)) is { EndPoints.Count: > 0 } self
            ? self
            : throw new ZeroTierException(
                ZeroTierError.Storage,
                $"The planet '{folder.PlanetPath}' does not say where this root is reached. Name its endpoints, for example "
                + "203.0.113.5:9993.");

    private static Planet Publish(RootFolder folder, PrivateRootOptions options)
    {
        try
        {
            return folder.Publish([.. options.EndPoints.Select(InetEndPoint.From)], options.OtherRoots, options.TimeProvider.GetUtcNow());
        }
        catch (Exception e) when (e is UnauthorizedAccessException or (IOException and not ZeroTierException))
        {
            throw new ZeroTierException(ZeroTierError.Storage, $"The planet '{folder.PlanetPath}' cannot be written: {e.Message}", e);
        }
    }
}
