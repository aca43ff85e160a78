using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Net;
using ZeroTier.Controller.Names;
using ZeroTier.Controller.Tests.Simulation;
using ZeroTier.Managed;

namespace ZeroTier.Controller.Tests.Names;

/// <summary>Names among whole nodes, in virtual time: the controller's node answers, members ask.</summary>
public class NameServiceTests
{
    private const int Port = 53;
    private static readonly Actor Admin = new("admin");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public void Members_connect_by_name_over_IPv4_and_IPv6()
    {
        Run(1, async (world, _) =>
        {
            ManagedNode server = world.Members[0], client = world.Members[1];
            Assert.Equal("home.arpa", client.Networks[0].Dns!.Domain);
            Assert.Equal(OwnAddresses(world), client.Networks[0].Dns!.Servers);
            await using var listener = await server.ListenAsync(
                new ZeroTierEndPoint(world.Network.Id, 8080), ControllerWorld.InlineTransport, Token);
            foreach (string host in (string[])["orders.home.arpa", "orders", "ORDERS.home.arpa.", $"{server.Id}.home.arpa"])
            {
                Assert.Equal(
                    server.Networks[0].Addresses.Select(a => a.Address).OrderBy(a => a.AddressFamily).Reverse(),
                    (await ZeroTierName.ResolveAsync(client, host, 8080, Token)).Select(e => e.Address));
                await using var connection = await client.ConnectAsync(host, 8080, ControllerWorld.InlineTransport, Token);
                await using var accepted = (await listener.AcceptAsync(Token))!;
                Assert.Equal(client.Id, accepted.RemoteNode);
            }

            foreach (IPAddress address in OwnAddresses(world))
            {
                Assert.Equal(
                    [world.IPv4Of(server).ToString()], (await AskAsync(client, world, address, "orders.home.arpa", DnsMessage.A))!.Data);
                Assert.Equal(
                    [world.IPv4Of(server).ToString()],
                    (await AskByTcpAsync(client, world, address, "orders.home.arpa", DnsMessage.A))!.Data);
            }
        });
    }

    [Fact]
    public void The_controllers_own_node_asks_itself()
    {
        Run(2, async (world, _) => Assert.Contains(
            world.IPv4Of(world.Members[0]),
            (await ZeroTierName.ResolveAsync(world.ControllerNode, "orders.home.arpa", 80, Token)).Select(e => e.Address)));
    }

    [Fact]
    public void A_member_that_is_renamed_or_put_out_is_so_at_once()
    {
        Run(3, async (world, _) =>
        {
            ManagedNode server = world.Members[0], client = world.Members[1];
            IPAddress own = OwnAddresses(world)[0];
            await world.Controller.UpdateMemberAsync(world.Network.Id, server.Id, m => m with { Name = "shop" }, null, Admin, Token);
            Assert.Equal(3, (await AskAsync(client, world, own, "orders.home.arpa", DnsMessage.A))!.Code);
            Assert.Single((await AskAsync(client, world, own, "shop.home.arpa", DnsMessage.A))!.Answers);
            await world.AuthorizeAsync(server, authorized: false);
            Assert.Equal(3, (await AskAsync(client, world, own, "shop.home.arpa", DnsMessage.A))!.Code);
        });
    }

    [Fact]
    public void A_node_that_is_put_out_gets_no_answer()
    {
        Run(4, async (world, service) =>
        {
            ManagedNode client = world.Members[1];
            IPAddress own = OwnAddresses(world)[0];
            Assert.NotNull(await AskAsync(client, world, own, "orders.home.arpa", DnsMessage.A));
            await using var socket = await client.BindDatagramAsync(new ZeroTierEndPoint(world.Network.Id, 0), Token);
            await world.AuthorizeAsync(client, authorized: false);

            // What is under way arrives before the revocation is in use, and after.
            for (int i = 0; i < 20; i++)
            {
                await socket.SendToAsync(DnsMessage.Query("orders.home.arpa", DnsMessage.A), new IPEndPoint(own, Port), Token);
                await world.Delay(TimeSpan.FromMilliseconds(20));
            }

            Assert.Equal(1, service.GetStatistics().DatagramAnswers);
        });
    }

    [Fact]
    public void A_member_that_asks_too_much_is_left_without_answers_and_others_are_not()
    {
        Run(5, async (world, service) =>
        {
            IPAddress own = OwnAddresses(world)[0];
            await AskAsync(world.Members[1], world, own, "orders.home.arpa", DnsMessage.A);
            long before = service.GetStatistics().DatagramAnswers;
            await using var socket = await world.Members[1].BindDatagramAsync(new ZeroTierEndPoint(world.Network.Id, 0), Token);
            for (int i = 0; i < 1000; i++)
            {
                await socket.SendToAsync(DnsMessage.Query("orders.home.arpa", DnsMessage.A), new IPEndPoint(own, Port), Token);
                await world.Delay(TimeSpan.FromMilliseconds(1));
            }

            await world.Delay(TimeSpan.FromSeconds(1));
            Assert.InRange(service.GetStatistics().DatagramAnswers - before, 150, 260);
            Assert.InRange(service.GetStatistics().RateLimited, 700, 850);
            Assert.NotNull(await AskAsync(world.Members[0], world, own, "orders.home.arpa", DnsMessage.A));
            await world.Delay(TimeSpan.FromSeconds(5));
            Assert.NotNull(await AskAsync(world.Members[1], world, own, "orders.home.arpa", DnsMessage.A));
        });
    }

    [Fact]
    public void A_connection_takes_many_questions_and_ends_when_none_comes()
    {
        Run(6, async (world, _) =>
        {
            await using var connection = await OpenAsync(world.Members[1], world);
            byte[] query = Framed(DnsMessage.Query("orders.home.arpa", DnsMessage.A));
            await connection.Output.WriteAsync((byte[])[.. query, .. query[..5]], Token);
            await ReadAsync(connection);
            await connection.Output.WriteAsync((byte[])[.. query[5..], .. query], Token);
            await ReadAsync(connection);
            await ReadAsync(connection);
            await world.Delay(NameServer.IdleTimeout - TimeSpan.FromSeconds(1));
            Assert.False(connection.ReceiveEnded.IsCompleted);
            await connection.Output.WriteAsync(query[..5], Token);
            await world.Delay(TimeSpan.FromSeconds(2));
            Assert.True(connection.ReceiveEnded.IsCompleted);
        });
    }

    [Fact]
    public void A_member_has_few_connections_at_a_time()
    {
        Run(7, async (world, service) =>
        {
            var open = new List<ZeroTierConnection>();
            for (int i = 0; i < NameServer.MaxConnectionsOfNode; i++)
            {
                open.Add(await OpenAsync(world.Members[1], world));
            }

            await using var more = await OpenAsync(world.Members[1], world);
            await world.Delay(TimeSpan.FromSeconds(1));
            Assert.True(more.ReceiveEnded.IsCompleted);
            Assert.All(open, connection => Assert.False(connection.ReceiveEnded.IsCompleted));
            Assert.Equal(1, service.GetStatistics().ConnectionsRefused);
            await using var other = await OpenAsync(world.Members[0], world);
            await open[0].DisposeAsync();
            await world.Delay(TimeSpan.FromSeconds(1));
            await using var again = await OpenAsync(world.Members[1], world);
            await again.Output.WriteAsync(Framed(DnsMessage.Query("orders.home.arpa", DnsMessage.A)), Token);
            await ReadAsync(again);
            foreach (ZeroTierConnection connection in open)
            {
                await connection.DisposeAsync();
            }
        });
    }

    [Fact]
    public void Names_that_are_switched_off_are_gone_and_the_node_leaves()
    {
        Run(8, async (world, _) =>
        {
            await world.ChangeAsync(n => n with { ServesNames = false });
            await world.Delay(TimeSpan.FromSeconds(2));
            Assert.Empty(world.ControllerNode.Networks);
            Assert.Null(world.Members[1].Networks[0].Dns);
            await world.ChangeAsync(n => n with { ServesNames = true });
            await world.Delay(TimeSpan.FromSeconds(5));
            Assert.NotNull(await AskAsync(world.Members[1], world, OwnAddresses(world)[0], "orders.home.arpa", DnsMessage.A));
        });
    }

    [Fact]
    public void The_server_follows_its_address()
    {
        Run(9, async (world, _) =>
        {
            IPAddress moved = IPAddress.Parse("10.147.20.77");
            await world.Controller.UpdateMemberAsync(
                world.Network.Id, world.ControllerNode.Id, m => m with { Addresses = [moved] }, null, Admin, Token);
            await world.Delay(TimeSpan.FromSeconds(5));
            Assert.Equal(moved, world.Members[1].Networks[0].Dns!.Servers[0]);
            Assert.NotNull(await AskAsync(world.Members[1], world, moved, "orders.home.arpa", DnsMessage.A));
        });
    }

    private static void Run(ulong seed, Func<ControllerWorld, NameService, Task> test)
    {
        var world = new ControllerWorld(seed, members: 2);
        world.Run(async () =>
        {
            var options = new NameServiceOptions
            {
                TimeProvider = world.Clock,
                RandomSource = world.Physical.Random.Fork(),
                Scheduler = PipeScheduler.Inline,
            };
            await using var service = new NameService(world.Controller, world.ControllerNode, options);
            await world.ChangeAsync(
                n => n with { ServesNames = true, Dns = new NetworkDnsSettings("home.arpa", []), IPv6Assignment = IPv6Assignment.Rfc4193 });
            await world.Controller.UpdateMemberAsync(
                world.Network.Id, world.Members[0].Id, m => m with { Name = "orders", IsAuthorized = true }, null, Admin, Token);
            await world.AuthorizeAsync(world.Members[1]);
            await world.Delay(TimeSpan.FromSeconds(10));
            await test(world, service);
        });
    }

    private static IPAddress[] OwnAddresses(ControllerWorld world) =>
        [.. world.ControllerNode.Networks[0].Addresses.Select(a => a.Address)];

    private static async Task<DnsMessage?> AskAsync(ManagedNode from, ControllerWorld world, IPAddress server, string name, int type)
    {
        await using var socket = await from.BindDatagramAsync(new ZeroTierEndPoint(world.Network.Id, 0), Token);
        byte[] buffer = new byte[4096];
        Task<ZeroTierReceivedDatagram> receiving = socket.ReceiveFromAsync(buffer, Token).AsTask();
        await socket.SendToAsync(DnsMessage.Query(name, type), new IPEndPoint(server, Port), Token);
        await world.Delay(TimeSpan.FromSeconds(2));
        return receiving.IsCompletedSuccessfully ? DnsMessage.Read(buffer.AsSpan(0, (await receiving).Length)) : null;
    }

    private static async Task<DnsMessage> AskByTcpAsync(ManagedNode from, ControllerWorld world, IPAddress server, string name, int type)
    {
        await using var connection = await from.ConnectAsync(
            new ZeroTierEndPoint(world.Network.Id, server, Port), ControllerWorld.InlineTransport, Token);
        await connection.Output.WriteAsync(Framed(DnsMessage.Query(name, type)), Token);
        return await ReadAsync(connection);
    }

    private static async Task<ZeroTierConnection> OpenAsync(ManagedNode from, ControllerWorld world) => await from.ConnectAsync(
        new ZeroTierEndPoint(world.Network.Id, OwnAddresses(world)[0], Port), ControllerWorld.InlineTransport, Token);

    private static async Task<DnsMessage> ReadAsync(ZeroTierConnection connection)
    {
        ReadResult read = await connection.Input.ReadAtLeastAsync(2, Token);
        int length = BinaryPrimitives.ReadUInt16BigEndian(read.Buffer.Slice(0, 2).ToArray());
        connection.Input.AdvanceTo(read.Buffer.Start);
        read = await connection.Input.ReadAtLeastAsync(2 + length, Token);
        DnsMessage message = DnsMessage.Read(read.Buffer.Slice(2, length).ToArray());
        connection.Input.AdvanceTo(read.Buffer.GetPosition(2 + length));
        return message;
    }

    private static byte[] Framed(byte[] message) => [(byte)(message.Length >> 8), (byte)message.Length, .. message];
}
