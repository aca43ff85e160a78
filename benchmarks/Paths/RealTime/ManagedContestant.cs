using System.Net;
using ZeroTier;
using ZeroTier.Managed;

namespace Paths.RealTime;

/// <summary>
/// The TCP of two whole nodes with one of its congestion controls. They talk by UDP on loopback, and what either sends goes over the path,
/// directly or through their root. The nodes live as long as the process.
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
    public static async Task<ManagedContestant> CreateAsync(Planet planet, CongestionControl control)
    {
        var contestant = new ManagedContestant(control, await StartAsync(planet, control), await StartAsync(planet, control));
        await contestant.MeetAsync().WaitAsync(s_patience);
        return contestant;
    }

    /// <summary>Starts the root that introduces the nodes.</summary>
    public static async Task<Planet> StartRootAsync()
    {
        var identity = await NodeIdentity.GenerateAsync();
        using var signingKey = PlanetSigningKey.Generate();
        var transport = OpenUdp();
        var planet = Planet.Create(1, DateTimeOffset.UtcNow, [new PlanetRoot(identity, [transport.LocalEndPoints[0]])], signingKey);
        await new ManagedNode(
            new ManagedNodeOptions { Identity = identity, Planet = planet, DatagramTransportFactory = () => transport }).StartAsync();
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

    private static async Task<(ManagedNode Node, EmulatedLink Link)> StartAsync(Planet planet, CongestionControl control)
    {
        var transport = new EmulatedTransport(OpenUdp());
        var node = new ManagedNode(new ManagedNodeOptions
        {
            Planet = planet,
            Networks = [s_network],
            CongestionControl = control,
            DatagramTransportFactory = () => transport,
        });
        await node.StartAsync();
        await node.WaitForNetworkAsync(s_network).WaitAsync(s_patience);
        return (node, transport.Link);
    }

    private static UdpDatagramTransport OpenUdp() =>
        UdpDatagramTransport.Open(new UdpDatagramTransportOptions { BindAddresses = [IPAddress.Loopback] });

    /// <summary>A node's UDP socket at the end of the path: what it sends travels first.</summary>
    private sealed class EmulatedTransport : IDatagramTransport
    {
        private const int Ipv4AndUdpHeaders = 20 + 8;
        private readonly UdpDatagramTransport _udp;

        public EmulatedTransport(UdpDatagramTransport udp)
        {
            _udp = udp;
            Link = new EmulatedLink(Ipv4AndUdpHeaders, packet => udp.Send(0, packet.Destination, packet.Data, packet.Data.Length));
        }

        public EmulatedLink Link { get; }

        public IReadOnlyList<InetEndPoint> LocalEndPoints => _udp.LocalEndPoints;

        public void Start(IDatagramReceiver receiver) => _udp.Start(receiver);

        public void Send(int socket, in InetEndPoint destination, ReadOnlySpan<byte> datagrams, int segmentSize)
        {
            for (; datagrams.Length > segmentSize; datagrams = datagrams[segmentSize..])
            {
                Link.Send(datagrams[..segmentSize], destination);
            }

            Link.Send(datagrams, destination);
        }

        public void SendWithHopLimit(int socket, in InetEndPoint destination, ReadOnlySpan<byte> datagram, int hops) =>
            Link.Send(datagram, destination);

        public ValueTask DisposeAsync() => _udp.DisposeAsync();
    }
}
