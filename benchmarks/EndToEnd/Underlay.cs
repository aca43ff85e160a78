using System.Net;
using System.Net.NetworkInformation;

namespace EndToEnd;

/// <summary>
/// Where the nodes of the ZeroTier transport run, and their physical addresses: loopback, unless libzt is used. libzt refuses loopback
/// paths and binds its sockets to network interfaces, so each of its nodes needs its own network namespace; the script <c>namespaces</c>
/// creates them, without a route to other networks.
/// </summary>
/// <param name="RootAddress">The root's address.</param>
/// <param name="RootCommand">The command that starts a root's process; empty for none.</param>
/// <param name="ServerCommand">The command that starts a server's process; empty for none.</param>
internal sealed record Underlay(IPAddress RootAddress, IReadOnlyList<string> RootCommand, IReadOnlyList<string> ServerCommand)
{
    // The same addresses as in the script.
    private static readonly IPAddress ClientAddress = IPAddress.Parse("10.99.0.1");
    private static readonly IPAddress RootInNamespace = IPAddress.Parse("10.99.0.3");

    /// <summary>Starts a private root and waits until it has written its planet and created the network.</summary>
    public Task<RoleProcess> StartRootAsync(string planet, BenchmarkNetwork network) =>
        RoleProcess.StartAsync(RootCommand, ["--root", RootAddress.ToString(), planet, network.Name]);

    /// <summary>Chooses the underlay for these engines.</summary>
    /// <exception cref="InvalidOperationException">libzt is used, and this process does not run in the script's network
    /// namespace.</exception>
    public static Underlay Choose(Engines engines)
    {
        if (!engines.NeedLibzt)
        {
            return new Underlay(IPAddress.Loopback, [], []);
        }

        var interfaces = NetworkInterface.GetAllNetworkInterfaces().Select(i => i.GetIPProperties()).ToList();
        bool ours = interfaces.SelectMany(i => i.UnicastAddresses).Any(a => a.Address.Equals(ClientAddress));
        return ours && interfaces.All(i => i.GatewayAddresses.Count == 0)
            ? new Underlay(RootInNamespace, ["ip", "netns", "exec", "zt-root"], ["ip", "netns", "exec", "zt-server"])
            : throw new InvalidOperationException(
                "libzt needs network namespaces without a way out. As root: benchmarks/EndToEnd/namespaces dotnet run -c Release --project "
                + "benchmarks/EndToEnd -- --engine libzt");
    }
}
