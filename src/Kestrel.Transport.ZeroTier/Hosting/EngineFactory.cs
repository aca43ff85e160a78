using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using ZeroTier;
using ZeroTier.Managed;

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

        var node = new ManagedNode(new ManagedNodeOptions
        {
            StoragePath = options.StoragePath ?? DefaultStoragePath(),
            Port = options.Port,
            Networks = [.. options.Networks.Select(NetworkId.Parse)],
            TimeProvider = timeProvider,
            LoggerFactory = loggerFactory,
        });
        return ValueTask.FromResult(new NodeLease(node));
    }

    private string DefaultStoragePath()
    {
        string application = services.GetService<IHostEnvironment>()?.ApplicationName ?? "app";
        string folder = Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify);
        return Path.Combine(folder, "ztkestrel", string.Concat(application.Select(c => Path.GetInvalidFileNameChars().Contains(c) ? '_' : c)));
    }
}
