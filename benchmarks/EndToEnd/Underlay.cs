using System.Net;
using System.Net.NetworkInformation;

namespace EndToEnd;

/// <summary>
/// Where the nodes of the ZeroTier transport live, and over which physical addresses they talk: loopback, unless libzt takes part. libzt
/// refuses loopback paths and binds its sockets to devices, so each of its nodes needs a network namespace of its own; the script
/// <c>namespaces</c> makes them, without a route out.
/// </summary>
/// <param name="RootAddress">The root's address.</param>
/// <param name="RootCommand">What a root's process is started with; empty for nothing.</param>
/// <param name="ServerCommand">What a server's process is started with; empty for nothing.</param>
internal sealed record Underlay(IPAddress RootAddress, IReadOnlyList<string> RootCommand, IReadOnlyList<string> ServerCommand)
{
    // As in the script.
    private static readonly IPAddress ClientAddress = IPAddress.Parse("10.99.0.1");
    private static readonly IPAddress RootInNamespace = IPAddress.Parse("10.99.0.3");

    /// <summary>Chooses for these engines.</summary>
    /// <exception cref="InvalidOperationException">libzt takes part, and this process does not run where it can.</exception>
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
