using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace ZeroTier.Hosting.Configuration;

/// <summary>Binds the settings of a node.</summary>
internal sealed class NodeOptionsBinder(IServiceProvider services) : IConfigureOptions<ZeroTierNodeOptions>
{
    public void Configure(ZeroTierNodeOptions options)
    {
        if (services.GetService<IConfiguration>() is not { } configuration)
        {
            return;
        }

        var reader = options.Section = new SectionReader(configuration);
        options.MisspeltSection = reader.MisspeltSection;
        foreach (string network in reader.List(nameof(options.Networks)))
        {
            options.Networks.Add(network);
        }

        options.Enabled = reader.Flag(nameof(options.Enabled)) ?? options.Enabled;
        options.PublicRoots = reader.Flag(nameof(options.PublicRoots)) ?? options.PublicRoots;
        options.StoragePath = reader.Text(nameof(options.StoragePath)) ?? options.StoragePath;
        options.IdentitySecret = reader.Text(nameof(options.IdentitySecret)) ?? options.IdentitySecret;
        options.PlanetPath = reader.Text(nameof(options.PlanetPath)) ?? options.PlanetPath;
        options.Port = reader.Number(nameof(options.Port), "9993") ?? options.Port;
        options.Engine = reader.Engine(nameof(options.Engine)) ?? options.Engine;
        options.LibztPath = reader.Text(nameof(options.LibztPath)) ?? options.LibztPath;
        options.RequireReadyWithin = reader.Duration(nameof(options.RequireReadyWithin)) ?? options.RequireReadyWithin;
        BindTransport(reader, options.Transport);
        BindDevelopmentNetwork(reader, options);
    }

    private static void BindTransport(SectionReader reader, ZeroTierTransportOptions transport)
    {
        transport.MaxReadBufferSize = reader.LongNumber(nameof(transport.MaxReadBufferSize), "1048576") ?? transport.MaxReadBufferSize;
        transport.MaxWriteBufferSize = reader.LongNumber(nameof(transport.MaxWriteBufferSize), "65536") ?? transport.MaxWriteBufferSize;
        transport.MaxTotalBufferSize = reader.LongNumber(nameof(transport.MaxTotalBufferSize), "268435456") ?? transport.MaxTotalBufferSize;
        transport.ConnectTimeout = reader.Duration(nameof(transport.ConnectTimeout)) ?? transport.ConnectTimeout;
        transport.Backlog = reader.Number(nameof(transport.Backlog), "512") ?? transport.Backlog;
        transport.IOQueueCount = reader.Number(nameof(transport.IOQueueCount), "4") ?? transport.IOQueueCount;
        transport.UnsafePreferInlineScheduling = reader.Flag(nameof(transport.UnsafePreferInlineScheduling)) ?? transport.UnsafePreferInlineScheduling;
    }

    private static void BindDevelopmentNetwork(SectionReader reader, ZeroTierNodeOptions options)
    {
        bool? chosen = reader.Flag("DevelopmentNetwork");
        string? folder = reader.Text(nameof(options.DevelopmentNetworkPath));
        options.DevelopmentNetworkRefused = chosen == false;
        if (chosen != false && folder is not null)
        {
            options.UseDevelopmentNetwork(folder);
        }
        else if (chosen == true)
        {
            options.UseDevelopmentNetwork();
        }
    }
}
