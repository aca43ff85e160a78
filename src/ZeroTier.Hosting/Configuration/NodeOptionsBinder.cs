using System.Net;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using ZeroTier.Managed;

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

        var reader = options.Section = new SectionReader(configuration.GetSection(ZeroTierNodeOptions.SectionName));
        options.MisspeltSection = MisspeltSection.Find(configuration);
        foreach (string network in reader.List(nameof(options.Networks)))
        {
            options.Networks.Add(network);
        }

        foreach (var host in reader.Section(nameof(options.Hosts)).GetChildren().Where(host => !SectionReader.IsComment(host.Key)))
        {
            options.Hosts[host.Key] = host.Value?.Trim() ?? "";
        }

        options.Enabled = reader.Flag(nameof(options.Enabled)) ?? options.Enabled;
        options.PublicRoots = reader.Flag(nameof(options.PublicRoots)) ?? options.PublicRoots;
        options.StoragePath = reader.Text(nameof(options.StoragePath)) ?? options.StoragePath;
        options.IdentitySecret = reader.Text(nameof(options.IdentitySecret)) ?? options.IdentitySecret;
        options.PlanetPath = reader.Text(nameof(options.PlanetPath)) ?? options.PlanetPath;
        options.Port = reader.Number(nameof(options.Port), "9993") ?? options.Port;
        options.Engine = reader.Enum<ZeroTierEngine>(nameof(options.Engine), "Managed") ?? options.Engine;
        options.LibztPath = reader.Text(nameof(options.LibztPath)) ?? options.LibztPath;
        options.RequireReadyWithin = reader.Duration(nameof(options.RequireReadyWithin)) ?? options.RequireReadyWithin;
        BindManaged(reader, options);
        BindTransport(reader, options.Transport);
        BindDevelopmentNetwork(reader, options);
    }

    private static void BindManaged(SectionReader reader, ZeroTierNodeOptions options)
    {
        options.AllowDefaultRoutes = reader.Flag(nameof(options.AllowDefaultRoutes)) ?? options.AllowDefaultRoutes;
        options.AllowGlobalAddresses = reader.Flag(nameof(options.AllowGlobalAddresses)) ?? options.AllowGlobalAddresses;
        options.CongestionControl = reader.Enum<CongestionControl>(nameof(options.CongestionControl), nameof(CongestionControl.Bbr))
            ?? options.CongestionControl;
        options.CapturePath = reader.Text(nameof(options.CapturePath)) ?? options.CapturePath;
        options.MaxCaptureSize = reader.LongNumber(nameof(options.MaxCaptureSize), "67108864") ?? options.MaxCaptureSize;
        MoonsSetting.Read(reader, options.Moons);
        foreach (string text in reader.List(nameof(options.BlockedNetworks)))
        {
            if (IPNetwork.TryParse(text, out var network))
            {
                options.BlockedNetworks.Add(network);
            }
            else
            {
                reader.Wrong(nameof(options.BlockedNetworks), text, "10.8.0.0/16");
            }
        }

        foreach (string text in reader.List(nameof(options.BlockedInterfaces)))
        {
            options.BlockedInterfaces.Add(text);
        }

        options.TcpRelay = ReadEndPoint(reader, nameof(options.TcpRelay), "203.0.113.5:8443") ?? options.TcpRelay;
        options.TcpRelayListen = ReadEndPoint(reader, nameof(options.TcpRelayListen), "0.0.0.0:8443") ?? options.TcpRelayListen;
    }

    private static IPEndPoint? ReadEndPoint(SectionReader reader, string setting, string example)
    {
        if (reader.Text(setting) is not { } text)
        {
            return null;
        }

        if (!IPEndPoint.TryParse(text, out var endPoint))
        {
            reader.Wrong(setting, text, example);
        }

        return endPoint;
    }

    private static void BindTransport(SectionReader reader, ZeroTierTransportOptions transport)
    {
        transport.MaxReadBufferSize = reader.LongNumber(nameof(transport.MaxReadBufferSize), "1048576") ?? transport.MaxReadBufferSize;
        transport.MaxWriteBufferSize = reader.LongNumber(nameof(transport.MaxWriteBufferSize), "65536") ?? transport.MaxWriteBufferSize;
        transport.MaxTotalBufferSize = reader.LongNumber(nameof(transport.MaxTotalBufferSize), "268435456") ?? transport.MaxTotalBufferSize;
        transport.ConnectTimeout = reader.Duration(nameof(transport.ConnectTimeout)) ?? transport.ConnectTimeout;
        transport.Backlog = reader.Number(nameof(transport.Backlog), "512") ?? transport.Backlog;
        transport.IOQueueCount = reader.Number(nameof(transport.IOQueueCount), "4") ?? transport.IOQueueCount;
        transport.UnsafePreferInlineScheduling = reader.Flag(nameof(transport.UnsafePreferInlineScheduling))
            ?? transport.UnsafePreferInlineScheduling;
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
