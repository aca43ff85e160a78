using System.Net;
using ZeroTier.Managed;

namespace EndToEnd;

/// <summary>The private root: it introduces the nodes and then has nothing to do.</summary>
internal static class RootRole
{
    /// <summary><c>--root ADDRESS PLANET</c>: writes the planet, then serves until standard input closes.</summary>
    public static async Task<int> RunAsync(string[] args)
    {
        var address = IPAddress.Parse(args[1]);
        int port = FreePort.Udp(address);
        using var identity = await NodeIdentity.GenerateAsync();
        using var signingKey = PlanetSigningKey.Generate();
        var planet = Planet.Create(1, DateTimeOffset.UtcNow, [new PlanetRoot(identity, [InetEndPoint.From(new IPEndPoint(address, port))])], signingKey);
        await using var node = new ManagedNode(new ManagedNodeOptions { Identity = identity, Planet = planet, Port = port, BindAddresses = [address] });
        await node.StartAsync();
        planet.Save(args[2]);
        Console.WriteLine($"READY {node.Id}");
        while (await Console.In.ReadLineAsync() is not (null or "stop"))
        {
        }

        Console.WriteLine("STOPPED");
        return 0;
    }
}
