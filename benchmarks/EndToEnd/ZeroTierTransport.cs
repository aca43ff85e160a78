using System.Globalization;
using System.Net;
using Kestrel.Transport.ZeroTier;
using ZeroTier;
using ZeroTier.Hosting;
using ZeroTier.Libzt;
using ZeroTier.Managed;

namespace EndToEnd;

/// <summary>
/// The ZeroTier transport: the client's node in this process, the server's node and a private root each in its own process. The two nodes
/// have a direct path, over loopback UDP if both are managed; the root, always managed, only introduces them to each other.
/// </summary>
internal sealed class ZeroTierTransport(Engines engines, BenchmarkNetwork kind) : Transport
{
    private const int HttpPort = 8080;
    private readonly List<IAsyncDisposable> _resources = [];
    private readonly Dictionary<string, string> _ports = [];
    private NetworkId _network;
    private string _folder = null!;
    private Underlay _underlay = null!;
    private ZeroTierNode _client = null!;

    public override string Name => kind.TransportName;

    public override IReadOnlyList<string> ServerCommand => _underlay.ServerCommand;

    // libzt has at most 1024 sockets.
    public override int IdleConnections => engines.NeedLibzt ? 500 : base.IdleConnections;

    private string PlanetFile => Path.Combine(_folder, "planet");

    /// <summary>Planet, storage folder, UDP port, engine and network.</summary>
    public override IReadOnlyList<string> ServerArguments(int number) =>
        [PlanetFile, Storage($"server{number}"), Port($"server{number}"), engines.Server.ToString(), _network.ToString()];

    public override IReadOnlyDictionary<string, string> AppSettings(string app) => new Dictionary<string, string>
    {
        ["ZeroTier__Networks"] = _network.ToString(),
        ["ZeroTier__PlanetPath"] = PlanetFile,
        ["ZeroTier__StoragePath"] = Storage(app),
        ["ZeroTier__Port"] = Port(app),
        ["ZeroTier__Engine"] = engines.Server.ToString(),
    };

    public override void Configure(WebApplicationBuilder builder, string[] arguments)
    {
        _network = NetworkId.Parse(arguments[4]);
        builder.WebHost.UseKestrelHttpsConfiguration().UseZeroTier(options =>
        {
            options.Networks.Add(arguments[4]);
            options.PlanetPath = arguments[0];
            options.StoragePath = arguments[1];
            options.Port = int.Parse(arguments[2], CultureInfo.InvariantCulture);
            options.Engine = Enum.Parse<ZeroTierEngine>(arguments[3]);
            options.Listen(HttpPort);
        });
    }

    public override async Task<string> WaitUntilReachableAsync(WebApplication app, Action<string> time)
    {
        // Both waits run at the same time: a network with a cached configuration carries traffic before a root has answered.
        var node = app.Services.GetRequiredService<ZeroTierNode>();
        var online = NoteOnlineAsync(node, time);
        var network = await node.WaitForNetworkAsync(_network);
        time("joined");
        await online;
        return $"http://{new IPEndPoint(network.Addresses[0].Address, HttpPort)}/";
    }

    public override HttpClient CreateClient(Uri address, int connections)
    {
        var handler = new ZeroTierHttpHandler(_client);
        return CreateClient(address, connections, handler, handler.SocketsHandler);
    }

    public override async Task OpenClientAsync()
    {
        var folder = Directory.CreateTempSubdirectory("zt-benchmark-");
        _resources.Add(new Folder(folder));
        _folder = folder.FullName;
        _underlay = Underlay.Choose(engines);
        var root = await _underlay.StartRootAsync(PlanetFile, kind);
        _resources.Add(root);
        _network = NetworkId.Parse(root.Ready);
        var planet = Planet.Load(PlanetFile);
        _client = engines.Client == ZeroTierEngine.Libzt
            ? new LibztNode(
                new LibztNodeOptions { StoragePath = Path.Combine(_folder, "client"), Planet = planet.ToBytes(), Networks = [_network] })
            : new ManagedNode(
                new ManagedNodeOptions { Identity = await NodeIdentity.GenerateAsync(), Planet = planet, Networks = [_network] });
        await StartAsync(_client);
        await _client.WaitForOnlineAsync().WaitAsync(TimeSpan.FromSeconds(30));
        await _client.WaitForNetworkAsync(_network).WaitAsync(TimeSpan.FromSeconds(30));
    }

    public override async ValueTask DisposeAsync()
    {
        for (int i = _resources.Count - 1; i >= 0; i--)
        {
            await _resources[i].DisposeAsync();
        }
    }

    private string Storage(string server) => Path.Combine(_folder, server);

    // Fixed, as servers have it: after a restart, peers find the node where it was.
    private string Port(string server)
    {
        if (!_ports.TryGetValue(server, out string? port))
        {
            port = FreePort.Udp(IPAddress.Loopback).ToString(CultureInfo.InvariantCulture);
            _ports.Add(server, port);
        }

        return port;
    }

    private static async Task NoteOnlineAsync(ZeroTierNode node, Action<string> time)
    {
        await node.WaitForOnlineAsync();
        time("online");
    }

    private async Task StartAsync(ZeroTierNode node)
    {
        _resources.Add(node);
        await node.StartAsync();
    }

    private sealed class Folder(DirectoryInfo folder) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            folder.Delete(recursive: true);
            return ValueTask.CompletedTask;
        }
    }
}
