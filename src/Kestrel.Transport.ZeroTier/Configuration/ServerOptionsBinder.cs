using Kestrel.Transport.ZeroTier.Authentication;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Configuration;

/// <summary>Binds the settings that only a web app has. Those of the node are bound before.</summary>
internal sealed class ServerOptionsBinder(IHostEnvironment environment) : IConfigureOptions<ZeroTierOptions>
{
    public void Configure(ZeroTierOptions options)
    {
        if (options.Section is not { } reader)
        {
            return;
        }

        var health = options.Health;
        options.KeepHostUrls = reader.Flag(nameof(options.KeepHostUrls)) ?? options.KeepHostUrls;
        options.TakeAllEndpoints = reader.Flag(nameof(options.TakeAllEndpoints)) ?? options.TakeAllEndpoints;
        health.RequireDirect = reader.Flag(nameof(health.RequireDirect)) ?? health.RequireDirect;
        health.OfflineGracePeriod = reader.Duration(nameof(health.OfflineGracePeriod)) ?? health.OfflineGracePeriod;
        var errors = new List<string>();
        MembersSection.Read(reader.Section(MembersSection.Name), new Dictionary<NodeId, ZeroTierMember>(), errors);
        errors.ForEach(reader.Report);
        AllowedSettings.Read(reader, options.AllowedNodes, options.AllowedNetworks);
        foreach (var entry in ListenSection.Read(reader, environment.ContentRootPath))
        {
            options.ListenEntries.Add(entry);
        }
    }
}
