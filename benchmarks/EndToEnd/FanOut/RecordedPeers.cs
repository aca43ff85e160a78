using ZeroTier;
using ZeroTier.Managed;

namespace EndToEnd.FanOut;

/// <summary>
/// A node, and packets that others have sent to it over their direct paths: echo requests, encrypted for it. A packet can be delivered any
/// number of times, and is answered each time, so that load needs no processor for its senders.
/// </summary>
internal sealed class RecordedPeers
{
    private const int PacketsOfEach = 32;

    // Whole in one datagram of a path whose MTU is not yet known.
    public const int EchoBytes = 1000;

    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);
    private static readonly NetworkId _network = NetworkId.AdHoc(0, 65535);

    private readonly MemoryNetwork.Host _host;

    private RecordedPeers(MemoryNetwork.Host host, IReadOnlyList<(InetEndPoint Source, byte[][] Packets)> peers)
    {
        _host = host;
        Peers = peers;
    }

    /// <summary>The node that receives.</summary>
    public IDatagramReceiver Receiver => _host.Receiver!;

    /// <summary>The number of echoes that the node answers while something is delivered to it.</summary>
    public int CountAnswers(Action deliver)
    {
        var answers = _host.Record();
        deliver();
        _host.Discard();
        return answers.Count(answer => answer.Length > EchoBytes);
    }

    /// <summary>What each of the others has sent.</summary>
    public IReadOnlyList<(InetEndPoint Source, byte[][] Packets)> Peers { get; }

    /// <summary>Starts the nodes, lets them find each other, and records.</summary>
    public static async Task<RecordedPeers> CreateAsync(int count)
    {
        var network = new MemoryNetwork();
        var planet = await StartRootAsync(network);
        var (server, serverHost) = await StartAsync(network, planet);
        var address = (await server.WaitForNetworkAsync(_network)).Addresses[0].Address;
        var peers = new List<(InetEndPoint, byte[][])>();
        for (int i = 0; i < count; i++)
        {
            var (node, host) = await StartAsync(network, planet);
            do
            {
                await node.PingAsync(_network, address, _patience);
            }
            while (!node.Peers.Any(peer => peer is { Role: ZeroTierPeerRole.Leaf, IsDirect: true }));

            var recording = host.Record();
            await Task.WhenAll(Enumerable.Range(0, PacketsOfEach).Select(_ => SendAsync(node)));
            byte[][] packets = [.. recording.Where(packet => packet.Length > EchoBytes)];
            peers.Add((host.LocalEndPoints[0], packets));
        }

        serverHost.Discard();
        return new RecordedPeers(serverHost, peers);

        async Task SendAsync(ManagedNode node)
        {
            try
            {
                await node.PingAsync(_network, address, EchoBytes, TimeSpan.FromMilliseconds(50));
            }
            catch (ZeroTierException)
            {
                // It was recorded, so there is no answer.
            }
        }
    }

    private static async Task<Planet> StartRootAsync(MemoryNetwork network)
    {
        var identity = await NodeIdentity.GenerateAsync();
        using var signingKey = PlanetSigningKey.Generate();
        var host = network.AddHost();
        var planet = Planet.Create(1, DateTimeOffset.UtcNow, [new PlanetRoot(identity, host.LocalEndPoints)], signingKey);
        await new ManagedNode(
            new ManagedNodeOptions { Identity = identity, Planet = planet, DatagramTransportFactory = () => host }).StartAsync();
        return planet;
    }

    private static async Task<(ManagedNode Node, MemoryNetwork.Host Host)> StartAsync(MemoryNetwork network, Planet planet)
    {
        var host = network.AddHost();
        var node = new ManagedNode(
            new ManagedNodeOptions { Planet = planet, Networks = [_network], DatagramTransportFactory = () => host });
        await node.StartAsync();
        await node.WaitForNetworkAsync(_network).WaitAsync(_patience);
        return (node, host);
    }
}
