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
    private const int Port = 8080;
    private readonly List<IAsyncDisposable> _resources = [];
    private readonly Dictionary<int, int> _ports = [];
    private NetworkId _network;
    private string _folder = null!;
    private Underlay _underlay = null!;
    private ZeroTierNode _client = null!;

    public override string Name => kind.TransportName;

    public override IReadOnlyList<string> ServerCommand => _underlay.ServerCommand;

    // libzt has at most 1024 sockets.
    public override int IdleConnections => engines.NeedLibzt ? 500 : base.IdleConnections;

    /// <summary>
    /// Planet, storage folder, UDP port, engine and network. The port stays the same over restarts, as is usual for servers, so that peers
    /// find the node at its known endpoint.
    /// </summary>
    public override IReadOnlyList<string> ServerArguments(int number)
    {
        if (!_ports.TryGetValue(number, out int port))
        {
            _ports.Add(number, port = FreePort.Udp(IPAddress.Loopback));
        }

        return [Path.Combine(_folder, "planet"), Path.Combine(_folder, $"server{number}"), port.ToString(CultureInfo.InvariantCulture),
        engines.Server.ToString(),
            _network.ToString()];
    }

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
            options.Listen(Port);
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
        return $"http://{new IPEndPoint(network.Addresses[0].Address, Port)}/";
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
        string file = Path.Combine(_folder, "planet");
        var root = await RoleProcess.StartRootAsync(_underlay, file, kind);
        _resources.Add(root);
        _network = NetworkId.Parse(root.Ready);
        var planet = Planet.Load(file);
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
