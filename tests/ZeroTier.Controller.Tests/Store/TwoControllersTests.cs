using System.Buffers;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using ZeroTier.Controller.PostgreSql;
using ZeroTier.Managed;

namespace ZeroTier.Controller.Tests.Store;

/// <summary>
/// Two whole controllers, each a node with a store on one database, of one identity and at one place: the second follows when the first is
/// gone.
/// </summary>
[Collection(PostgreSqlCollection.Name)]
public sealed class TwoControllersTests(PostgreSqlServer server)
{
    private const int RootIndex = 0, ControllerIndex = 1, FirstMember = 2;

    // The session that has the lock.
    private const string Terminate = """
        SELECT count(pg_terminate_backend(pid)) FROM pg_locks
        WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        """;

    private static readonly Actor Admin = new("admin");
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_second_goes_on_where_the_first_was_killed_or_has_lost_its_lock_and_members_stay(bool isKilled)
    {
        Assert.SkipWhen(server.SkipReason is not null, server.SkipReason ?? "");
        string database = await server.CreateDatabaseAsync();
        await using var link = new PostgreSqlLink(server.Folder);
        IPEndPoint rootPlace = FreePlace(), controllerPlace = FreePlace();
        using var key = PlanetSigningKey.Generate();
        Planet planet;
        using (NodeIdentity root = TestIdentities.Get(RootIndex))
        {
            planet = Planet.Create(
                7, DateTimeOffset.UnixEpoch, [new PlanetRoot(NodeIdentity.Parse(root.ToString()), [InetEndPoint.From(rootPlace)])], key);
        }

        await using ManagedNode rootNode = await StartAsync(RootIndex, planet, rootPlace.Port);
        await using NetworkController first = await OpenAsync(database.Replace(server.Folder, link.Folder, StringComparison.Ordinal));
        await using ManagedNode firstNode = await StartAsync(ControllerIndex, planet, controllerPlace.Port, first);
        await UntilAsync(() => first.IsActive, "the first is active");
        ControllerNetwork network = await first.CreateNetworkAsync(
            Addressing.Pool("10.147.20.1", "10.147.20.254", "10.147.20.0"), Admin, Token);
        await using NetworkController second = await OpenAsync(database);

        await using ManagedNode server1 = await JoinAsync(FirstMember, planet, network.Id, first),
            client = await JoinAsync(FirstMember + 1, planet, network.Id, first);
        await using var listener = await server1.ListenAsync(new ZeroTierEndPoint(network.Id, 8080), Token);
        await using var connection = await client.ConnectAsync(new ZeroTierEndPoint(network.Id, IPv4Of(server1), 8080), Token);
        await using var accepted = (await listener.AcceptAsync(Token))!;
        await first.UpdateNetworkAsync(network.Id, n => n with { Name = "acknowledged" }, null, Admin, Token);

        var waited = Stopwatch.StartNew();
        if (isKilled)
        {
            link.Freeze();
        }
        else
        {
            await PostgreSqlServer.ExecuteAsync(database, Terminate);

            // Else it may take the lock again before the second does.
            link.Freeze();
            await UntilAsync(() => !first.IsActive, "the first has lost its lock");
        }

        await firstNode.DisposeAsync();

        await using ManagedNode secondNode = await StartAsync(ControllerIndex, planet, controllerPlace.Port, second);
        await UntilAsync(() => second.IsActive, "the second is active");
        TestContext.Current.TestOutputHelper?.WriteLine(FormattableString.Invariant($"active after {waited.Elapsed.TotalSeconds:0.00} s"));
        Assert.False(first.IsActive);
        Assert.Equal("acknowledged", second.FindNetwork(network.Id)!.Name);

        // What was open goes on.
        await connection.Output.WriteAsync("still here"u8.ToArray(), Token);
        Assert.Equal("still here"u8.ToArray(), (await accepted.Input.ReadAtLeastAsync(10, Token)).Buffer.ToArray());

        // The second lets members in, with addresses that the first has not given out, and tells of changes.
        await second.UpdateNetworkAsync(network.Id, n => n with { Name = "renamed" }, null, Admin, Token);
        await using ManagedNode late = await JoinAsync(FirstMember + 2, planet, network.Id, second);
        Assert.Equal("renamed", late.Networks[0].Name);
        Assert.Distinct([IPv4Of(server1), IPv4Of(client), IPv4Of(late)]);
        await UntilAsync(() => ReachesAsync(late, network.Id, IPv4Of(server1)), "the new member reaches an old one");
        await client.RestartAsync(Token);
        await UntilAsync(() => client.Networks[0] is { Name: "renamed", IsReady: true }, "an old member follows the second");
        await UntilAsync(() => ReachesAsync(client, network.Id, IPv4Of(server1)), "old members reach each other");
    }

    private static IPAddress IPv4Of(ManagedNode node) =>
        node.Networks[0].Addresses.Select(a => a.Address).First(a => a.AddressFamily == AddressFamily.InterNetwork);

    private static IPEndPoint FreePlace()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return (IPEndPoint)socket.LocalEndPoint!;
    }

    private static Task<NetworkController> OpenAsync(string database) =>
        NetworkController.OpenAsync(new NetworkControllerOptions { Store = new PostgreSqlControllerStore(database) }, Token);

    private static async Task<ManagedNode> StartAsync(int index, Planet planet, int port = 0, NetworkController? controller = null)
    {
        var node = new ManagedNode(new ManagedNodeOptions
        {
            Identity = TestIdentities.Get(index),
            Planet = planet,
            Port = port,
            BindAddresses = [IPAddress.Loopback],
            Controller = controller,
        });
        await node.StartAsync(Token);
        return node;
    }

    private static async Task<ManagedNode> JoinAsync(int index, Planet planet, NetworkId network, NetworkController controller)
    {
        ManagedNode node = await StartAsync(index, planet);
        await controller.UpdateMemberAsync(network, node.Id, m => m with { IsAuthorized = true }, null, Admin, Token);
        await node.JoinAsync(network, Token);
        await node.WaitForNetworkAsync(network, Token).WaitAsync(Limit, Token);
        return node;
    }

    // The second knows of nobody's multicast groups at first, so that the question who has an address may have to be asked again.
    private static async Task<bool> ReachesAsync(ManagedNode from, NetworkId network, IPAddress to)
    {
        try
        {
            await from.PingAsync(network, to, Token);
            return true;
        }
        catch (ZeroTierException)
        {
            return false;
        }
    }

    private static Task UntilAsync(Func<bool> condition, string what) => UntilAsync(() => Task.FromResult(condition()), what);

    private static async Task UntilAsync(Func<Task<bool>> condition, string what)
    {
        var waited = Stopwatch.StartNew();
        while (!await condition())
        {
            Assert.True(waited.Elapsed < Limit, $"Not in time: {what}.");
            await Task.Delay(20, Token);
        }
    }
}
