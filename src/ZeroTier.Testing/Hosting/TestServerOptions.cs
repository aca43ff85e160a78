using Kestrel.Transport.ZeroTier;
using Microsoft.Extensions.Options;

namespace ZeroTier.Testing.Hosting;

/// <summary>
/// Resets the web app's options that depend on the machine: addresses, and URLs of the host. Endpoints remain, so that the app is tested
/// with its own configuration.
/// </summary>
internal sealed class TestServerOptions(TestNetwork network) : IPostConfigureOptions<ZeroTierOptions>
{
    // The port of an app that has no ZeroTier endpoint.
    private const int DefaultPort = 80;

    public void PostConfigure(string? name, ZeroTierOptions options)
    {
        options.KeepHostUrls = false;
        for (int i = 0; i < options.ListenEntries.Count; i++)
        {
            var entry = options.ListenEntries[i];
            string? id = entry.Network is { } named ? network.Substitute(named) : entry.Network;
            if (entry.Address is not null && id is null && options.Networks.Count == 1)
            {
                // An address without a network means the app's only network; if there are several, the validator reports the ambiguity.
                id = options.Networks[0];
            }

            // Test networks assign other addresses, so the endpoint listens on all of the network's.
            options.ListenEntries[i] = entry with { Network = id, Address = id is null ? entry.Address : null };
        }

        if (options.ListenEntries.Count == 0 && !options.TakeAllEndpoints)
        {
            options.Listen(DefaultPort);
        }
    }
}
