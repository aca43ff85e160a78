using Microsoft.Extensions.Options;
using ZeroTier.Hosting;

namespace ZeroTier.Testing.Hosting;

/// <summary>
/// Resets the node's options that depend on the machine: files, ports, roots. Networks remain, replaced where needed, so that the app is
/// tested with its own configuration.
/// </summary>
internal sealed class TestNodeOptions(TestNetwork network) : IPostConfigureOptions<ZeroTierNodeOptions>
{
    public void PostConfigure(string? name, ZeroTierNodeOptions options)
    {
        options.PlanetPath = null;
        options.StoragePath = null;
        options.IdentitySecret = null;
        options.Port = 0;
        options.LibztPath = null;
        options.Engine = ZeroTierEngine.Managed;
        string[] networks = [.. options.Networks.Select(network.Substitute).Distinct()];
        options.Networks.Clear();
        foreach (string id in networks.DefaultIfEmpty(TestNetwork.Network.ToString()))
        {
            options.Networks.Add(id);
        }
    }
}
