using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Kestrel.Transport.ZeroTier;
using ZeroTier;
using ZeroTier.Libzt;
using ZeroTier.Managed;
using ZeroTier.Managed.Datagrams;
using ZeroTier.Managed.Identity;
using ZeroTier.Managed.Vl1;

namespace EndToEnd;

/// <summary>
/// Our transport: the server's node in the server process; a private root and the client's node in the client process. The two nodes talk directly, over
/// loopback UDP where both are managed; the root, always managed, only introduces them.
/// </summary>
internal sealed class ZeroTierTransport(Engines engines) : Transport
{
    private const int Port = 8080;
    private static readonly NetworkId Network = NetworkId.AdHoc(0, 65535);
    private readonly List<IAsyncDisposable> _resources = [];
    private readonly Dictionary<int, int> _ports = [];
    private string _folder = null!;
    private IZeroTierNode _client = null!;

    public override string Name => ZeroTier;

    // libzt has 1024 sockets in all.
    public override int IdleConnections => engines.NeedLibzt ? 500 : base.IdleConnections;

    /// <summary>Planet, storage folder, UDP port and engine. The port is fixed, as servers have it: after a restart, peers find the node where it was.</summary>
    public override IReadOnlyList<string> ServerArguments(int number)
    {
        if (!_ports.TryGetValue(number, out int port))
        {
            _ports.Add(number, port = FreePort());
        }

        return [Path.Combine(_folder, "planet"), Path.Combine(_folder, $"server{number}"), port.ToString(CultureInfo.InvariantCulture), engines.Server.ToString()];
    }

    public override void Configure(WebApplicationBuilder builder, string[] arguments) => builder.WebHost.UseKestrelHttpsConfiguration().UseZeroTier(options =>
    {
        options.Networks.Add(Network.ToString());
        options.PlanetPath = arguments[0];
        options.StoragePath = arguments[1];
        options.Port = int.Parse(arguments[2], CultureInfo.InvariantCulture);
        options.Engine = Enum.Parse<ZeroTierEngine>(arguments[3]);
        options.Listen(Port);
    });

    public override async Task<string> WaitUntilReachableAsync(WebApplication app, Action<string> time)
    {
        var node = app.Services.GetRequiredService<IZeroTierNode>();
        await node.WaitForOnlineAsync();
        time("online");
        var network = await node.WaitForNetworkAsync(Network);
        time("joined");
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
        var rootIdentity = await NodeIdentity.GenerateAsync();
        var underlay = Underlay.Choose(engines);
        int port = FreePort();
        using var signingKey = PlanetSigningKey.Generate();
        var root = new PlanetRoot(rootIdentity, [InetEndPoint.From(new IPEndPoint(underlay, port))]);
        var planet = Planet.Create(1, DateTimeOffset.UtcNow, [root], signingKey);
        _folder = folder.FullName;
        planet.Save(Path.Combine(_folder, "planet"));

        await StartAsync(new ManagedNode(new ManagedNodeOptions { Identity = rootIdentity, Planet = planet, Port = port, BindAddresses = [underlay] }));
        _client = engines.Client == ZeroTierEngine.Libzt
            ? new LibztNode(new LibztNodeOptions { StoragePath = Path.Combine(_folder, "client"), Planet = planet.ToBytes(), Networks = [Network] })
            : new ManagedNode(new ManagedNodeOptions { Identity = await NodeIdentity.GenerateAsync(), Planet = planet, Networks = [Network] });
        await StartAsync(_client);
        await _client.WaitForOnlineAsync().WaitAsync(TimeSpan.FromSeconds(30));
        await _client.WaitForNetworkAsync(Network).WaitAsync(TimeSpan.FromSeconds(30));
    }

    public override async ValueTask DisposeAsync()
    {
        for (int i = _resources.Count - 1; i >= 0; i--)
        {
            await _resources[i].DisposeAsync();
        }
    }

    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    private async Task StartAsync(IZeroTierNode node)
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
