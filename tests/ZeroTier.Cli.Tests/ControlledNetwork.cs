using System.Net;
using System.Text;
using ZeroTier.Managed;
using ZeroTier.Managed.IpStack;
using ZeroTier.Managed.Net;
using ZeroTier.Managed.Tests.Simulation;
using ZeroTier.SelfHosting;

namespace ZeroTier.Cli.Tests;

/// <summary>A root, a controller, and a member that serves HTTP and the names of its network, on loopback.</summary>
public sealed class ControlledNetwork : IAsyncLifetime
{
    private static readonly IPAddress ServerAddress = IPAddress.Parse("10.147.20.10");

    private readonly Lock _gate = new();
    private PrivateRoot _root = null!;
    private ManagedNode _controllerNode = null!;
    private ManagedNode _server = null!;
    private TestController _controller = null!;
    private NameServer _names = null!;
    private IZeroTierListener _listener = null!;
    private TestNetwork _network = null!;

    public DirectoryInfo Data { get; } = Directory.CreateTempSubdirectory("zt-cli-");

    public NetworkId Id { get; private set; }

    public string Planet => _root.PlanetPath;

    public NodeId Controller => _controllerNode.Id;

    public int Port => _listener.EndPoint.Port;

    public string Home(string name) => Path.Combine(Data.FullName, name);

    /// <summary>Gives a node an address and lets it in.</summary>
    public void Authorize(NodeId node, string address)
    {
        lock (_gate)
        {
            var addresses = _network.Member(node).Addresses;
            addresses.Clear();
            addresses.Add(new IpInterfaceAddress(IpAddress.From(IPAddress.Parse(address)), 24));
            _controller.Authorize(_network, node);
        }
    }

    public async ValueTask InitializeAsync()
    {
        _root = await PrivateRoot.StartAsync(
            new PrivateRootOptions { StoragePath = Home("root"), EndPoints = [new IPEndPoint(IPAddress.Loopback, FreePort.Udp())] });
        _controller = new TestController(TimeProvider.System);
        _controllerNode = new ManagedNode(new ManagedNodeOptions { Planet = _root.Planet, Controller = _controller });
        await _controllerNode.StartAsync();
        await _controllerNode.WaitForOnlineAsync().WaitAsync(TimeSpan.FromSeconds(60));
        Id = new NetworkId(_controllerNode.Id.Value << 24 | 1);
        _network = _controller.Add(Id);
        _network.Routes.Add(new IpRoute(IpAddress.From(IPAddress.Parse("10.147.20.0")), 24, null, 0));
        _network.Routes.Add(new IpRoute(IpAddress.From(IPAddress.Parse("192.168.7.0")), 24, IpAddress.From(ServerAddress), 0));
        _network.SetDns("corp.example", ServerAddress);
        _server = new ManagedNode(new ManagedNodeOptions { Planet = _root.Planet, Networks = [Id] });
        await _server.StartAsync();
        Authorize(_server.Id, ServerAddress.ToString());
        await _server.WaitForNetworkAsync(Id).WaitAsync(TimeSpan.FromSeconds(60));
        _names = await NameServer.StartAsync(_server, Id, ZeroTierConnectionOptions.Default);
        _names.Answers = ask => [ask.Name == "nas.corp.example" ? new DnsAnswer(ask).Add(ServerAddress) : new DnsAnswer(ask) { Code = 3 }];
        _listener = await _server.ListenAsync(new ZeroTierEndPoint(Id, 0));
        _ = ServeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _names.DisposeAsync();
        await _server.DisposeAsync();
        await _controllerNode.DisposeAsync();
        await _root.DisposeAsync();
        Data.Delete(recursive: true);
    }

    private async Task ServeAsync()
    {
        while (await _listener.AcceptAsync() is { } connection)
        {
            await using (connection)
            {
                await connection.Input.ReadAsync();
                await connection.Output.WriteAsync(
                    Encoding.ASCII.GetBytes("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello"));
            }
        }
    }
}
