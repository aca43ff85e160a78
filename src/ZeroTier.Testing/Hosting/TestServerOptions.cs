using Kestrel.Transport.ZeroTier;
using Microsoft.Extensions.Options;

namespace ZeroTier.Testing.Hosting;

/// <summary>
/// Takes out of a web app's options what ties it to its machine: addresses, and URLs of the host. Endpoints stay, so that the app is tested
/// as it is.
/// </summary>
internal sealed class TestServerOptions(TestNetwork network) : IPostConfigureOptions<ZeroTierOptions>
{
    // Where an app is found that has no ZeroTier endpoint of its own.
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
                // An address alone means its one network; with several, the validator says that it is not clear which.
                id = options.Networks[0];
            }

            // Networks of tests give addresses of their own.
            options.ListenEntries[i] = entry with { Network = id, Address = id is null ? entry.Address : null };
        }

        if (options.ListenEntries.Count == 0 && !options.TakeAllEndpoints)
        {
            options.Listen(DefaultPort);
        }
    }
}
