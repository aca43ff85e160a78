using System.Security.Cryptography;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.Simulation;

/// <summary>Streams between members over direct and relayed paths, and at a stop.</summary>
public class PathTests
{
    private const int Port = 80;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public void Direct_path_blocked_streams_go_through_the_root_and_directly_once_it_opens()
    {
        var world = new SimulatedWorld(seed: 3, members: 2);
        world.Physical.Block(world.Hosts[1], world.Hosts[2]);
        world.Run(async () =>
        {
            await world.StartAsync();
            await TransferAsync(world, 100_000);
        });
        Assert.False(Peer(world).IsDirect);
        Assert.True(Peer(world).IsRelayed);

        world.Physical.Unblock(world.Hosts[1], world.Hosts[2]);
        world.Run(async () =>
        {
            for (int i = 0; i < 60 && !Peer(world).IsDirect; i++)
            {
                await world.Members[1].PingAsync(SimulatedWorld.Network, world.AddressOf(0), cancellationToken: Token);
                await world.Delay(TimeSpan.FromSeconds(5));
            }
        });
        Assert.True(Peer(world).IsDirect, "The members never found a direct path.");
        Assert.False(Peer(world).IsRelayed);

        // One that has gone is remembered for a while; nobody reaches it any more, through a root or not.
        world.Run(async () =>
        {
            await world.Members[1].StopAsync(Token);
            await world.Delay(TimeSpan.FromSeconds(25));
        });
        Assert.False(Peer(world).IsDirect || Peer(world).IsRelayed);
        world.Stop();
    }

    [Fact]
    public void Rule_8_6_RootAwayForTwoMinutesUnderTraffic_DirectPeersGoOn()
    {
        var world = new SimulatedWorld(seed: 86, members: 2);
        world.Run(async () =>
        {
            await world.StartAsync();
            await TransferAsync(world, 100_000);
            await world.Root.StopAsync(Token);
            for (int second = 0; second < 120; second++)
            {
                await TransferAsync(world, 10_000);
                await world.Delay(TimeSpan.FromSeconds(1));
            }
        });
        Assert.All(world.Members, node => Assert.False(node.IsOnline));
        Assert.All(world.Members, node => Assert.True(node.Peers.Single(peer => peer.Role == ZeroTierPeerRole.Leaf).IsDirect));
        Assert.All(world.Members, node => Assert.Equal(ZeroTierNodeState.Running, node.State));
        world.Stop();
    }

    [Fact]
    public void Last_received_after_the_wall_clock_was_set_is_on_that_clock()
    {
        var world = new SimulatedWorld(seed: 87, members: 2);
        world.Run(async () =>
        {
            await world.StartAsync();
            await TransferAsync(world, 1000);
        });
        world.Clock.WallClockSet = TimeSpan.FromHours(-5);
        var age = world.Clock.GetUtcNow() - Peer(world).LastReceived!.Value;
        Assert.InRange(age, TimeSpan.Zero, TimeSpan.FromSeconds(20));
        Assert.All(
            Peer(world).Paths,
            path => Assert.InRange(world.Clock.GetUtcNow() - path.LastReceived, TimeSpan.Zero, TimeSpan.FromSeconds(20)));
        world.Stop();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Machine_that_moves_in_the_middle_of_a_transfer_loses_no_byte(int member)
    {
        var world = new SimulatedWorld(seed: 13, members: 2);
        world.Physical.DefaultLink = new VirtualLink { Delay = TimeSpan.FromMilliseconds(20), Bandwidth = 2_000_000 };
        byte[] data = new byte[4_000_000];
        new SeededRandom(13).Fill(data);
        world.Run(async () =>
        {
            await world.StartAsync();
            var (client, server) = await ConnectAsync(world);
            var receiving = ReceiveAllAsync(server);
            var sending = client.Output.WriteAsync(data, Token).AsTask();
            await world.Delay(TimeSpan.FromSeconds(1));
            var host = world.Hosts[member + 1];
            string address = host.Addresses[0].ToIPEndPoint().Address.ToString();
            host.LoseAddress(address);
            host.GainAddress("10.99.0.1");
            var moved = world.Clock.Elapsed;
            await sending;
            await client.DisposeAsync();

            Assert.Equal(SHA256.HashData(data), SHA256.HashData(await receiving));
            Assert.InRange(world.Clock.Elapsed - moved, TimeSpan.Zero, TimeSpan.FromSeconds(10));
            await server.DisposeAsync();
            Assert.All(world.Members, node => Assert.True(node.IsOnline));
        });
        world.Stop();
    }

    [Fact]
    public void Counters_do_not_fall_when_a_network_is_left()
    {
        var world = new SimulatedWorld(seed: 12, members: 2);
        world.Run(async () =>
        {
            await world.StartAsync();
            await TransferAsync(world, 100_000);
            var before = world.Members[0].GetStatistics();
            Assert.True(before.TcpSegmentsSent > 0 && before.TcpSegmentsReceived > 0);
            await world.Members[0].LeaveAsync(SimulatedWorld.Network, Token);
            var after = world.Members[0].GetStatistics();
            Assert.True(after.TcpSegmentsSent >= before.TcpSegmentsSent && after.TcpSegmentsReceived >= before.TcpSegmentsReceived);
            Assert.Equal(0, after.TcpConnections);
            Assert.All(before.Dropped, reason => Assert.True(after.Dropped[reason.Key] >= reason.Value, reason.Key));

            await world.Members[0].JoinAsync(SimulatedWorld.Network, Token);
            Assert.Equal(after.TcpSegmentsSent, world.Members[0].GetStatistics().TcpSegmentsSent);
        });
        world.Stop();
    }

    [Fact]
    public void Direct_path_open_peers_find_each_other_and_say_how_far_they_are()
    {
        var world = new SimulatedWorld(seed: 4, members: 2);
        world.Physical.DefaultLink = new VirtualLink { Delay = TimeSpan.FromMilliseconds(20) };
        world.Run(async () =>
        {
            await world.StartAsync();
            await TransferAsync(world, 1_000_000);
            await world.Delay(TimeSpan.FromSeconds(5));
        });

        var peer = Peer(world);
        Assert.True(peer.IsDirect);
        Assert.Equal(world.Members[1].Id, peer.Id);
        Assert.InRange(peer.Latency!.Value, TimeSpan.FromMilliseconds(35), TimeSpan.FromMilliseconds(60));
        world.Stop();
    }

    /// <summary>kestrel-transport rule 8.4.</summary>
    [Fact]
    public void Rule_8_4_DrainThenStop_OverASlowLossyPath_CutsNothingOff()
    {
        var world = new SimulatedWorld(seed: 6, members: 2);
        byte[] data = new byte[1_000_000];
        new SeededRandom(6).Fill(data);
        world.Run(async () =>
        {
            await world.StartAsync();
            await using var listener = await world.Members[0].ListenAsync(
                new ZeroTierEndPoint(SimulatedWorld.Network, Port), SimulatedWorld.InlineTransport with { MaxWriteBufferSize = 0 }, Token);
            var accepting = listener.AcceptAsync(Token);
            await using var client = await world.Members[1].ConnectAsync(world.EndPointOf(0, Port), SimulatedWorld.InlineTransport, Token);
            var server = (await accepting)!;
            world.Physical.DefaultLink = new VirtualLink { Delay = TimeSpan.FromMilliseconds(100), Loss = 0.05 };
            var receiving = ReceiveAllAsync(client);
            await server.Output.WriteAsync(data, Token);
            await server.DisposeAsync();

            await world.Members[0].DrainAsync(Token);
            await world.Members[0].StopAsync(Token);

            Assert.Equal(SHA256.HashData(data), SHA256.HashData(await receiving));
        });
        world.Stop();
    }

    [Fact]
    public void Rule_8_4_Drain_WaitsForEachNetworkOfTheNode()
    {
        var second = NetworkId.AdHoc(1, ushort.MaxValue);
        var world = new SimulatedWorld(seed: 10, members: 2);
        byte[] data = new byte[100_000];
        new SeededRandom(10).Fill(data);
        world.Run(async () =>
        {
            await world.StartAsync();
            foreach (var member in world.Members)
            {
                await member.JoinAsync(second, Token);
            }

            await using var listener = await world.Members[0].ListenAsync(
                new ZeroTierEndPoint(second, Port), SimulatedWorld.InlineTransport with { MaxWriteBufferSize = 0 }, Token);
            var accepting = listener.AcceptAsync(Token);
            var address = world.Members[0].Networks.Single(network => network.Id == second).Addresses[0].Address;
            await using var client = await world.Members[1].ConnectAsync(
                new ZeroTierEndPoint(second, address, Port), SimulatedWorld.InlineTransport, Token);
            var server = (await accepting)!;
            world.Physical.DefaultLink = new VirtualLink { Delay = TimeSpan.FromMilliseconds(100) };
            var receiving = ReceiveAllAsync(client);
            await server.Output.WriteAsync(data, Token);
            await server.DisposeAsync();

            await world.Members[0].DrainAsync(Token);
            await world.Members[0].StopAsync(Token);

            Assert.Equal(data, await receiving);
        });
        world.Stop();
    }

    [Fact]
    public void Stop_without_a_drain_is_seen_by_the_other_end_as_a_reset()
    {
        var world = new SimulatedWorld(seed: 7, members: 2);
        world.Run(async () =>
        {
            await world.StartAsync();
            var (client, server) = await ConnectAsync(world);
            await world.Members[0].StopAsync(Token);
            Assert.Equal(ZeroTierError.ConnectionReset, (await client.ReceiveEnded)!.Error);
            Assert.Equal(ZeroTierError.ConnectionAborted, (await server.ReceiveEnded)!.Error);
            await client.DisposeAsync();
            await server.DisposeAsync();
        });
        world.Stop();
    }

    [Fact]
    public void Node_that_vanishes_is_noticed_by_the_keep_alive()
    {
        var world = new SimulatedWorld(seed: 8, members: 2);
        world.Run(async () =>
        {
            await world.StartAsync();
            var (client, server) = await ConnectAsync(world);
            world.Physical.Partition([world.Hosts[1]], [world.Hosts[0], world.Hosts[2]]);
            var before = world.Clock.Elapsed;

            Assert.Equal(ZeroTierError.TimedOut, (await client.ReceiveEnded)!.Error);
            Assert.InRange(world.Clock.Elapsed - before, TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(180));
            Assert.Equal(ZeroTierError.TimedOut, (await server.ReceiveEnded)!.Error);
            await client.DisposeAsync();
            await server.DisposeAsync();
        });
        world.Stop();
    }

    [Fact]
    public void Frames_steady_traffic_allocates_nothing_per_frame()
    {
        const int Frames = 2000;
        var world = new SimulatedWorld(seed: 9, members: 2);
        world.Run(async () =>
        {
            await world.StartAsync();
            await TransferAsync(world, 1000);
        });
        var port = world.Members[0].Session!.Networks[0].Network.Port;
        var destination = port.Addressing.Mac(world.Members[1].Id);
        byte[] packet = new byte[1200];
        packet[0] = 0x60;
        packet[6] = 59;
        port.Addressing.SixPlane(world.Members[0].Id).Write(packet.AsSpan(8));
        long sent = Send();
        long before = GC.GetAllocatedBytesForCurrentThread();
        sent = Send();
        double perFrame = (GC.GetAllocatedBytesForCurrentThread() - before) / (double)Frames;

        Assert.Equal(Frames, sent);
        Assert.True(perFrame < 1, $"{perFrame} bytes per frame.");
        world.Stop();

        long Send()
        {
            long count = 0;
            for (int i = 0; i < Frames / 20; i++)
            {
                var batch = port.BeginBatch();
                for (int k = 0; k < 20; k++, count++)
                {
                    packet.CopyTo(batch.Reserve(packet.Length));
                    batch.Commit(destination, 0x86dd);
                }

                batch.Send();
                world.Clock.Advance(TimeSpan.FromMilliseconds(2));
            }

            return count;
        }
    }

    private static ZeroTierPeer Peer(SimulatedWorld world) => world.Members[0].Peers.Single(p => p.Role == ZeroTierPeerRole.Leaf);

    private static async Task<(ZeroTierConnection Client, ZeroTierConnection Server)> ConnectAsync(SimulatedWorld world)
    {
        await using var listener = await world.Members[0].ListenAsync(
            new ZeroTierEndPoint(SimulatedWorld.Network, Port), SimulatedWorld.InlineTransport);
        var accepting = listener.AcceptAsync();
        var client = await world.Members[1].ConnectAsync(world.EndPointOf(0, Port), SimulatedWorld.InlineTransport);
        return (client, (await accepting)!);
    }

    private static async Task TransferAsync(SimulatedWorld world, int length)
    {
        var (client, server) = await ConnectAsync(world);
        byte[] data = new byte[length];
        new SeededRandom(1).Fill(data);
        var receiving = ReceiveAllAsync(server);
        await client.Output.WriteAsync(data);
        await client.DisposeAsync();
        Assert.Equal(data, await receiving);
        await server.DisposeAsync();
    }

    private static async Task<byte[]> ReceiveAllAsync(ZeroTierConnection connection)
    {
        using var all = new MemoryStream();
        while (true)
        {
            var result = await connection.Input.ReadAsync();
            foreach (var segment in result.Buffer)
            {
                all.Write(segment.Span);
            }

            connection.Input.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted)
            {
                return all.ToArray();
            }
        }
    }
}
