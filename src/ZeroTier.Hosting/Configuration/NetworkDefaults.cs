using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using ZeroTier.SelfHosting;

namespace ZeroTier.Hosting.Configuration;

/// <summary>Selects the development network when nothing else is configured, and removes duplicates from the list of networks.</summary>
internal sealed class NetworkDefaults(IServiceProvider services) : IPostConfigureOptions<ZeroTierNodeOptions>
{
    public void PostConfigure(string? name, ZeroTierNodeOptions options)
    {
        bool development = services.GetService<IHostEnvironment>()?.IsDevelopment() == true;
        options.DevelopmentNetworkSelected = options.DevelopmentNetworkRequested
            || (options.Networks.Count == 0 && options.PlanetPath is null && development && !options.DevelopmentNetworkRefused);
        if (options.DevelopmentNetworkSelected && !options.Networks.Contains(DevelopmentNetwork.Network.ToString()))
        {
            options.Networks.Insert(0, DevelopmentNetwork.Network.ToString());
        }

        // Configuration and every call in code add to the list, so a network may be in it twice.
        for (int i = options.Networks.Count - 1; i > 0; i--)
        {
            if (options.Networks.Take(i).Contains(options.Networks[i], StringComparer.OrdinalIgnoreCase))
            {
                options.Networks.RemoveAt(i);
            }
        }
    }
}
