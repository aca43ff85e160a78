using System.Net;
using ZeroTier;
using ZeroTier.Controller;
using ZeroTier.Managed;

namespace EndToEnd;

/// <summary>
/// The private root: it introduces the nodes to each other and is the controller of a private network. During the measures it is idle.
/// </summary>
internal static class RootRole
{
    // The default rules of ZeroTier networks: only IPv4, ARP and IPv6 frames.
    private const string UsualRules = "drop not ethertype ipv4 and not ethertype arp and not ethertype ipv6; accept;";
    private static readonly Actor s_actor = new("benchmark");

    /// <summary>
    /// <c>--root ADDRESS PLANET NETWORK</c>: writes the planet, then runs until standard input has a line <c>stop</c> or closes.
    /// </summary>
    public static async Task<int> RunAsync(string[] args)
    {
        var address = IPAddress.Parse(args[1]);
        int port = FreePort.Udp(address);
        using var identity = await NodeIdentity.GenerateAsync();
        using var signingKey = PlanetSigningKey.Generate();
        var planet = Planet.Create(
            1, DateTimeOffset.UtcNow, [new PlanetRoot(identity, [InetEndPoint.From(new IPEndPoint(address, port))])], signingKey);
        await using var controller = await NetworkController.OpenAsync(
            new NetworkControllerOptions { Store = new MemoryControllerStore() });
        await using var node = new ManagedNode(
            new ManagedNodeOptions
            {
                Identity = identity,
                Planet = planet,
                Port = port,
                BindAddresses = [address],
                Controller = controller,
            });
        await node.StartAsync();
        planet.Save(args[2]);
        using var events = controller.Subscribe();
        var network = BenchmarkNetwork.ByName[args[3]] == BenchmarkNetwork.Private
            ? await CreateNetworkAsync(controller)
            : NetworkId.AdHoc(0, 65535);
        var authorizing = AuthorizeAllAsync(controller, events);
        Console.WriteLine($"READY {network}");
        while (await Console.In.ReadLineAsync() is not (null or "stop"))
        {
        }

        events.Dispose();
        await authorizing;
        Console.WriteLine("STOPPED");
        return 0;
    }

    private static async Task<NetworkId> CreateNetworkAsync(NetworkController controller)
    {
        var network = await controller.CreateNetworkAsync(
            network => network with
            {
                AssignsIPv4 = true,
                AddressPools = [new AddressPool(IPAddress.Parse("10.99.1.1"), IPAddress.Parse("10.99.1.254"))],
                Routes = [new NetworkRoute(IPAddress.Parse("10.99.1.0"), 24, Via: null)],
                Rules = RuleLanguage.Compile(UsualRules).Program!.Rules,
            },
            s_actor);
        return network.Id;
    }

    private static async Task AuthorizeAllAsync(NetworkController controller, ControllerSubscription events)
    {
        await foreach (var happened in events.ReadAllAsync())
        {
            if (happened is MemberChanged { Member: { IsAuthorized: false } member })
            {
                await controller.UpdateMemberAsync(
                    member.Network, member.Node, m => m with { IsAuthorized = true }, expectedRevision: null, s_actor);
            }
        }
    }
}
