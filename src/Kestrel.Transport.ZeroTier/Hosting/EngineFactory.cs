using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using ZeroTier;
using ZeroTier.Managed;
using ZeroTier.Managed.Vl1;

namespace Kestrel.Transport.ZeroTier.Hosting;

/// <summary>Makes a node of the chosen engine.</summary>
internal sealed class EngineFactory(IServiceProvider services, ILoggerFactory loggerFactory, TimeProvider timeProvider) : INodeFactory
{
    /// <summary>The development network: every member may reach every port.</summary>
    public static NetworkId DevelopmentNetworkId { get; } = NetworkId.AdHoc(0, 65535);

    public ValueTask<NodeLease> CreateAsync(ZeroTierOptions options, CancellationToken cancellationToken)
    {
        if (options.DevelopmentNetworkSelected)
        {
            throw new ZeroTierException(ZeroTierError.NotSupported, "The development network is not supported yet. Configure a network, for example ZeroTier__Networks=8056c2e21c000001.");
        }

        string storage = options.StoragePath ?? DefaultStoragePath();
        var node = new ManagedNode(new ManagedNodeOptions
        {
            StoragePath = storage,
            Port = options.Port,
            Planet = options.PlanetPath is { } planet ? LoadPlanet(planet) : KnownPlanet(storage),
            Networks = [.. options.Networks.Select(NetworkId.Parse)],
            TimeProvider = timeProvider,
            LoggerFactory = loggerFactory,
        });
        return ValueTask.FromResult(new NodeLease(node));
    }

    /// <summary>The public roots, unless the node has learned of newer ones, which it keeps in its storage folder and loads by itself.</summary>
    private static Planet? KnownPlanet(string storage) => File.Exists(Path.Combine(storage, "planet")) ? null : Planet.Earth;

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
                $"{ZeroTierOptions.SectionName}:PlanetPath is '{path}', which cannot be used: {exception.Message} A valid planet is made with 'zt planet create'.",
                exception);
        }
    }

    private string DefaultStoragePath()
    {
        string application = services.GetService<IHostEnvironment>()?.ApplicationName ?? "app";
        string folder = Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify);
        return Path.Combine(folder, "ztkestrel", string.Concat(application.Select(c => Path.GetInvalidFileNameChars().Contains(c) ? '_' : c)));
    }
}
