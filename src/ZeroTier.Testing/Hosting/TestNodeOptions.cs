using Microsoft.Extensions.Options;
using ZeroTier.Hosting;

namespace ZeroTier.Testing.Hosting;

/// <summary>
/// Takes out of a node's options what ties it to its machine: files, ports, roots. Networks stay, so that the app is tested as it is.
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
