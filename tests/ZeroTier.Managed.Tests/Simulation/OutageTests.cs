using ZeroTier.Managed.Tests.Node;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.Simulation;

/// <summary>Connections over an outage of the path, and over a restart of the other node.</summary>
public class OutageTests
{
    private const int Port = 80;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(35)]
    [InlineData(40)]
    [InlineData(60)]
    public void Path_cut_in_the_middle_of_a_transfer_the_transfer_goes_on_as_soon_as_the_peer_is_heard(int seconds)
    {
        var world = new SimulatedWorld(seed: 40, members: 2);
        world.Physical.DefaultLink = new VirtualLink { Delay = TimeSpan.FromMilliseconds(20), Bandwidth = 1_000_000 };
        world.Run(async () =>
        {
            await world.StartAsync();
            var (client, server) = await ConnectAsync(world, world.Members[1]);
            long received = 0;
            var sending = SendAsync(client);
            var receiving = ReceiveAsync(server, count => received += count);
            await world.Delay(TimeSpan.FromSeconds(5));
            world.Physical.Partition([world.Hosts[0], world.Hosts[1]], [world.Hosts[2]]);
            await world.Delay(TimeSpan.FromSeconds(seconds));
            long before = received;
            world.Physical.Heal();

            // The nodes ask for each other every five seconds.
            await world.Delay(TimeSpan.FromSeconds(6));
            Assert.True(received > before + 100_000, $"{received - before} bytes came in the first seconds after the cut.");
            client.Abort();
            await sending;
            await receiving;
            await client.DisposeAsync();
            await server.DisposeAsync();
        });
        world.Stop();
    }

    [Fact]
    public void Server_killed_and_started_again_a_client_that_only_receives_notices_at_once()
    {
        using var folder = new TemporaryFolder();
        var world = new SimulatedWorld(seed: 64, members: 2);
        world.Physical.DefaultLink = new VirtualLink { Delay = TimeSpan.FromMilliseconds(20) };
        world.Run(async () =>
        {
            await world.StartAsync();
            await world.Members[1].StopAsync(Token);
            var options = world.OptionsOf(2) with { PeersPath = folder.Path };
            var first = new ManagedNode(options);
            await first.JoinAsync(SimulatedWorld.Network, Token);
            await first.StartAsync(Token);
            await first.WaitForOnlineAsync(Token);
            var (waiting, _) = await ConnectAsync(world, first, from: world.Members[0]);
            var read = waiting.Input.ReadAsync(Token).AsTask();

            // Long enough for the peers to be stored, and for the greeting not to be taken for the one before.
            await world.Delay(TimeSpan.FromSeconds(45));
            world.Physical.Partition([world.Hosts[0], world.Hosts[1]], [world.Hosts[2]]);
            await first.DisposeAsync();
            await world.Delay(TimeSpan.FromSeconds(1));
            Assert.False(read.IsCompleted);
            world.Physical.Heal();
            var second = new ManagedNode(options);
            await second.JoinAsync(SimulatedWorld.Network, Token);
            await second.StartAsync(Token);
            await world.Delay(TimeSpan.FromSeconds(3));
            Assert.True(read.IsCompleted, "The client still waits.");
            Assert.Equal(ZeroTierError.ConnectionReset, (await Assert.ThrowsAsync<ZeroTierException>(() => read)).Error);
            await waiting.DisposeAsync();
            await second.DisposeAsync();
        });
        world.Stop();
    }

    private static async Task<(ZeroTierConnection Client, ZeroTierConnection Server)> ConnectAsync(
        SimulatedWorld world, ManagedNode server, ManagedNode? from = null)
    {
        int member = server == world.Members[0] ? 0 : 1;
        await using var listener = await server.ListenAsync(
            new ZeroTierEndPoint(SimulatedWorld.Network, Port), SimulatedWorld.InlineTransport, Token);
        var accepting = listener.AcceptAsync(Token);
        var client = await (from ?? world.Members[1 - member]).ConnectAsync(
            world.EndPointOf(member, Port), SimulatedWorld.InlineTransport, Token);
        return (client, (await accepting)!);
    }

    private static async Task SendAsync(ZeroTierConnection connection)
    {
        while (!(await connection.Output.WriteAsync(new byte[16 * 1024], Token)).IsCompleted)
        {
        }
    }

    private static async Task ReceiveAsync(ZeroTierConnection connection, Action<long> onReceived)
    {
        try
        {
            while (true)
            {
                var read = await connection.Input.ReadAsync(Token);
                onReceived(read.Buffer.Length);
                connection.Input.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted)
                {
                    return;
                }
            }
        }
        catch (ZeroTierException)
        {
            // The reset with which the test ends it.
        }
    }
}
