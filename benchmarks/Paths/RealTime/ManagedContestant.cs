using System.Net;
using ZeroTier;
using ZeroTier.Managed;

namespace Paths.RealTime;

/// <summary>
/// The TCP of two whole nodes with one of its congestion controls. What either sends goes over the path, directly or through their root.
/// The nodes live as long as the process.
/// </summary>
internal sealed class ManagedContestant : Contestant
{
    private const int Port = 80;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private static readonly NetworkId s_network = NetworkId.AdHoc(0, 65535);
    private readonly ManagedNode _sender;
    private readonly ManagedNode _receiver;

    private ManagedContestant(
        CongestionControl control, (ManagedNode Node, EmulatedLink Link) sender, (ManagedNode Node, EmulatedLink Link) receiver)
        : base($"ours {control.ToString().ToLowerInvariant()}", sender.Link, receiver.Link)
    {
        _sender = sender.Node;
        _receiver = receiver.Node;
    }

    /// <summary>Starts nodes with one of the congestion controls, and waits until they have found each other.</summary>
    public static async Task<ManagedContestant> CreateAsync(EmulatedNetwork network, Planet planet, CongestionControl control)
    {
        var contestant = new ManagedContestant(
            control, await StartAsync(network, planet, control), await StartAsync(network, planet, control));
        await contestant.MeetAsync().WaitAsync(s_patience);
        return contestant;
    }

    /// <summary>Starts the root that introduces the nodes.</summary>
    public static async Task<Planet> StartRootAsync(EmulatedNetwork network)
    {
        var identity = await NodeIdentity.GenerateAsync();
        using var signingKey = PlanetSigningKey.Generate();
        var host = network.AddHost();
        var planet = Planet.Create(1, DateTimeOffset.UtcNow, [new PlanetRoot(identity, host.LocalEndPoints)], signingKey);
        await new ManagedNode(
            new ManagedNodeOptions { Identity = identity, Planet = planet, DatagramTransportFactory = () => host }).StartAsync();
        return planet;
    }

    protected override async Task<List<Transfer>> OpenAsync(int streams)
    {
        await using var listener = await _sender.ListenAsync(new ZeroTierEndPoint(s_network, Port));
        var address = await AddressAsync();
        var transfers = new List<Transfer>();
        for (int i = 0; i < streams; i++)
        {
            var receiver = await _receiver.ConnectAsync(new ZeroTierEndPoint(s_network, address, Port));
            var sender = (await listener.AcceptAsync())!;
            transfers.Add(new Transfer(
                sender.Output,
                receiver.Input,
                () =>
                {
                    sender.Abort();
                    receiver.Abort();
                }));
        }

        return transfers;
    }

    private async Task<IPAddress> AddressAsync() => (await _sender.WaitForNetworkAsync(s_network)).Addresses[0].Address;

    private async Task MeetAsync()
    {
        var address = await AddressAsync();
        do
        {
            await _receiver.PingAsync(s_network, address);
        }
        while (!_receiver.Peers.Any(peer => peer is { Role: ZeroTierPeerRole.Leaf, IsDirect: true }));
    }

    private static async Task<(ManagedNode Node, EmulatedLink Link)> StartAsync(
        EmulatedNetwork network, Planet planet, CongestionControl control)
    {
        var host = network.AddHost();
        var node = new ManagedNode(new ManagedNodeOptions
        {
            Planet = planet,
            Networks = [s_network],
            CongestionControl = control,
            DatagramTransportFactory = () => host,
        });
        await node.StartAsync();
        await node.WaitForNetworkAsync(s_network).WaitAsync(s_patience);
        return (node, host.Link);
    }
}
