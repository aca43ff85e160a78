using Kestrel.Transport.ZeroTier;
using Microsoft.Extensions.Options;

namespace ZeroTier.Testing.Hosting;

/// <summary>
/// Takes out of an app's options what ties it to its machine: files, ports, roots, addresses. Networks and endpoints stay, so that the app is tested as it is.
/// </summary>
internal sealed class TestOptions(TestNetwork network, bool serves) : IPostConfigureOptions<ZeroTierOptions>
{
    // Where an app is found that has no ZeroTier endpoint of its own.
    private const int DefaultPort = 80;

    public void PostConfigure(string? name, ZeroTierOptions options)
    {
        options.PlanetPath = null;
        options.StoragePath = null;
        options.IdentitySecret = null;
        options.Port = 0;
        options.LibztPath = null;
        options.Engine = ZeroTierEngine.Managed;
        options.KeepHostUrls = false;
        string[] networks = [.. options.Networks.Select(Substitute).Distinct()];
        options.Networks.Clear();
        foreach (string id in networks.DefaultIfEmpty(TestNetwork.Network.ToString()))
        {
            options.Networks.Add(id);
        }

        for (int i = 0; i < options.ListenEntries.Count; i++)
        {
            var entry = options.ListenEntries[i];
            string? id = entry.Network is { } named ? Substitute(named) : entry.Network;
            if (entry.Address is not null && id is null && options.Networks.Count == 1)
            {
                // An address alone means its one network; with several, the validator says that it is not clear which.
                id = options.Networks[0];
            }

            // Networks of tests give addresses of their own.
            options.ListenEntries[i] = entry with { Network = id, Address = id is null ? entry.Address : null };
        }

        if (serves && options.ListenEntries.Count == 0 && !options.TakeAllEndpoints)
        {
            options.Listen(DefaultPort);
        }
    }

    // What is no network ID stays, for the validator to report.
    private string Substitute(string id) => NetworkId.TryParse(id, out var parsed) && parsed.Value != 0 ? network.Substitute(parsed).ToString() : id;
}
