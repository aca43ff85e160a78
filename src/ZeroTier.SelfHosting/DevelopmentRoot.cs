using Microsoft.Extensions.Logging;
using ZeroTier.Engines;
using ZeroTier.Managed;

namespace ZeroTier.SelfHosting;

/// <summary>
/// The role of root in a development network, which one process holds at a time: the lock, the folder, and the running root.
/// </summary>
internal sealed class DevelopmentRoot : IAsyncDisposable
{
    private const string LockFileName = "root.lock";
    private const string RootFolderName = "root";
    private const string PlanetFileName = "planet";

    // A root releases its port before its lock. Only after a kill may the port still be in use for a moment when the lock is free.
    private const int PortAttempts = 5;
    private static readonly TimeSpan PortDelay = TimeSpan.FromMilliseconds(50);

    private readonly FileStream _lock;
    private readonly RootFolder _folder;
    private readonly ManagedNode _node;

    private DevelopmentRoot(FileStream lockFile, RootFolder folder, ManagedNode node, Planet planet)
    {
        _lock = lockFile;
        _folder = folder;
        _node = node;
        Planet = planet;
    }

    public Planet Planet { get; }

    /// <summary>The planet file that the processes share.</summary>
    public static string PlanetPath(DevelopmentNetworkOptions options) => Path.Combine(options.Path, PlanetFileName);

    /// <summary>Takes the role if it is free, and starts the root.</summary>
    /// <returns>Null when another process, or another <see cref="DevelopmentNetwork"/> in this one, has the role.</returns>
    /// <exception cref="ZeroTierException">The role is free, but the root cannot run.</exception>
    public static async Task<DevelopmentRoot?> TryStartAsync(
        DevelopmentNetworkOptions options, ILogger log, CancellationToken cancellationToken)
    {
        FileStream? lockFile;
        try
        {
            lockFile = PrivateFolder.TryLock(Path.Combine(options.Path, LockFileName));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ZeroTierException(
                ZeroTierError.Storage, $"The folder '{options.Path}' of the development network cannot be used: {e.Message}", e);
        }

        if (lockFile is null)
        {
            return null;
        }

        RootFolder? folder = null;
        IDatagramTransport? transport = null;
        ManagedNode? node = null;
        try
        {
            folder = await RootFolder.OpenAsync(
                Path.Combine(options.Path, RootFolderName),
                PlanetPath(options),
                replacesPlanet: true,
                options.RandomSource,
                cancellationToken)
                .ConfigureAwait(false);
            var opened = transport = await OpenAsync(options, folder.Planet, log, cancellationToken).ConfigureAwait(false);
            var planet = folder.Publish(transport.LocalEndPoints, [], options.TimeProvider.GetUtcNow());
            node = new ManagedNode(new ManagedNodeOptions
            {
                Identity = folder.Identity,
                Planet = planet,
                DatagramTransportFactory = () => opened,
                TimeProvider = options.TimeProvider,
                RandomSource = options.RandomSource,
                LoggerFactory = options.LoggerFactory,
            });

            // The node owns the transport from here on.
            transport = null;
            await node.StartAsync(cancellationToken).ConfigureAwait(false);
            SelfHostingLog.BecameRoot(log, options.Path, folder.Identity.Address, string.Join(", ", planet.Roots[0].EndPoints));
            return new DevelopmentRoot(lockFile, folder, node, planet);
        }
        catch (Exception e)
        {
            if (node is not null)
            {
                await node.DisposeAsync().ConfigureAwait(false);
            }

            if (transport is not null)
            {
                await transport.DisposeAsync().ConfigureAwait(false);
            }

            folder?.Dispose();
            await lockFile.DisposeAsync().ConfigureAwait(false);
            if (e is UnauthorizedAccessException or (IOException and not ZeroTierException))
            {
                throw new ZeroTierException(
                    ZeroTierError.Storage, $"The folder '{options.Path}' of the development network cannot be used: {e.Message}", e);
            }

            throw;
        }
    }

    /// <summary>Stops the root, then releases the role.</summary>
    public async ValueTask DisposeAsync()
    {
        await _node.DisposeAsync().ConfigureAwait(false);
        _folder.Dispose();
        await _lock.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Opens a transport that can send to loopback addresses only.</summary>
    public static IDatagramTransport OpenLoopback(DevelopmentNetworkOptions options, int port) => new LoopbackTransport(
        options.OpenTransport?.Invoke(port) ?? UdpDatagramTransport.Open(new UdpDatagramTransportOptions
        {
            Port = port,
            LoopbackOnly = true,
            Logger = NonThrowingLogger.Create(options.LoggerFactory, "ZeroTier.Managed.Datagrams"),
        }));

    private static async Task<IDatagramTransport> OpenAsync(
        DevelopmentNetworkOptions options, Planet? planet, ILogger log, CancellationToken cancellationToken)
    {
        int port = planet?.Roots[0].EndPoints is [var first, ..] ? first.Port : 0;
        for (int attempt = 1; port != 0; attempt++)
        {
            try
            {
                return OpenLoopback(options, port);
            }
            catch (ZeroTierException e) when (e.Error == ZeroTierError.Underlay)
            {
                if (attempt == PortAttempts)
                {
                    SelfHostingLog.PortMoved(log, options.Path, port);
                    break;
                }
            }

            await Task.Delay(PortDelay, options.TimeProvider, cancellationToken).ConfigureAwait(false);
        }

        return OpenLoopback(options, 0);
    }
}
