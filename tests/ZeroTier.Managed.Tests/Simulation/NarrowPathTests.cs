using System.Security.Cryptography;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.Simulation;

/// <summary>Streams over an underlay that carries less than usual and tells nobody, or that changes under them.</summary>
public class NarrowPathTests
{
    private const int Port = 80;
    private const int Bandwidth = 2_000_000;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1232, 1232, false)]
    [InlineData(1232, 1432, false)]
    [InlineData(1432, 1232, false)]
    [InlineData(1352, 1352, false)]
    [InlineData(1232, 1232, true)]
    public void Streams_in_both_directions_over_a_black_hole_arrive_without_a_pause(int there, int back, bool relayed)
    {
        var world = new SimulatedWorld(seed: 21, members: 2);
        Narrow(world, there, back, relayed);
        byte[] data = Data(2_000_000);
        world.Run(async () =>
        {
            await world.StartAsync();
            var (client, server) = await ConnectAsync(world);
            var begun = world.Clock.Elapsed;
            foreach (var (from, to) in new[] { (client, server), (server, client) })
            {
                var receiving = ReceiveAsync(to, data.Length);
                await from.Output.WriteAsync(data, Token);
                Assert.Equal(SHA256.HashData(data), SHA256.HashData(await receiving));
            }

            // Two seconds of line time.
            Assert.InRange(world.Clock.Elapsed - begun, TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(3));
            await client.DisposeAsync();
            await server.DisposeAsync();
        });
        world.Stop();
    }

    [Theory]
    [InlineData(1232, 1)]
    [InlineData(1300, 2)]
    [InlineData(1400, 3)]
    [InlineData(700, 4)]
    public void Path_that_shrinks_in_the_middle_of_a_transfer_stops_it_for_a_few_seconds_only(int passes, ulong seed)
    {
        var world = new SimulatedWorld(seed, members: 2);
        Narrow(world, 1432, 1432, relayed: false);
        byte[] data = Data(16_000_000);
        world.Run(async () =>
        {
            await world.StartAsync();
            var (client, server) = await ConnectAsync(world);
            var gap = new Gap(world);
            var receiving = ReceiveAsync(server, data.Length, gap.OnProgress);
            var sending = client.Output.WriteAsync(data, Token).AsTask();
            await world.Delay(TimeSpan.FromSeconds(2));
            Assert.False(receiving.IsCompleted);
            Narrow(world, passes, passes, relayed: false);

            Assert.Equal(SHA256.HashData(data), SHA256.HashData(await receiving));
            Assert.InRange(gap.Longest, TimeSpan.FromSeconds(0.5), TimeSpan.FromSeconds(passes < 1232 ? 8 : 4));
            await sending;
            await client.DisposeAsync();
            await server.DisposeAsync();
        });
        world.Stop();
    }

    /// <summary>What is sent in a datagram of its own is not cut below: a lost piece would cost the whole.</summary>
    [Theory]
    [InlineData(1432, 1432)]
    [InlineData(1300, 1294)]
    [InlineData(1232, 1232)]
    public void Segments_fill_the_datagrams_of_the_path_and_are_not_cut(int passes, int full)
    {
        var world = new SimulatedWorld(seed: 23, members: 2);
        Narrow(world, passes, passes, relayed: false);
        byte[] data = Data(4_000_000);
        world.Run(async () =>
        {
            await world.StartAsync();
            var (client, server) = await ConnectAsync(world);
            await TransferAsync(client, server, data);
            await world.Delay(TimeSpan.FromSeconds(1));
            await TransferAsync(client, server, data);
            await world.Delay(TimeSpan.FromSeconds(15));
            await TransferAsync(client, server, Data(1000));
            await world.Delay(TimeSpan.FromSeconds(1));
            var sizes = new Dictionary<int, int>();
            world.Physical.Capture =
                (in VirtualDatagram datagram) => sizes[datagram.Data.Length] = sizes.GetValueOrDefault(datagram.Data.Length) + 1;
            await TransferAsync(client, server, data);
            world.Physical.Capture = null;

            Assert.InRange(sizes[full] * (full - 110), data.Length * 0.95, data.Length * 1.1);
            Assert.Equal(full, sizes.Keys.Max());
            await client.DisposeAsync();
            await server.DisposeAsync();
        });
        world.Stop();
    }

    [Fact]
    public void Path_that_widens_is_used_fully_by_the_open_connection()
    {
        var world = new SimulatedWorld(seed: 24, members: 2);
        Narrow(world, 1232, 1232, relayed: false);
        world.Run(async () =>
        {
            await world.StartAsync();
            var (client, server) = await ConnectAsync(world);

            // Until the direct path is found the root relays, without a bottleneck: what that carries is no measure for what follows.
            await TransferAsync(client, server, Data(1000));
            await world.Delay(TimeSpan.FromSeconds(1));
            await TransferAsync(client, server, Data(1_000_000));
            Narrow(world, 1432, 1432, relayed: false);
            for (int i = 0; i < 65; i++)
            {
                await world.Delay(TimeSpan.FromSeconds(10));
                await TransferAsync(client, server, Data(10_000));
            }

            int large = 0;
            world.Physical.Capture = (in VirtualDatagram datagram) => large += datagram.Data.Length == 1432 ? 1 : 0;
            await TransferAsync(client, server, Data(1_000_000));
            Assert.InRange(large, 700, 800);
            await client.DisposeAsync();
            await server.DisposeAsync();
        });
        world.Stop();
    }

    /// <summary>A peer that cannot probe (ZeroTierOne) is asked for segments that pass.</summary>
    [Fact]
    public void Connection_over_a_path_known_to_be_narrow_asks_the_peer_for_small_segments()
    {
        var world = new SimulatedWorld(seed: 25, members: 2);
        Narrow(world, 1232, 1232, relayed: false);
        world.Run(async () =>
        {
            await world.StartAsync();
            var address = IpAddress.From(world.AddressOf(0));
            var output = world.Members[1].Session!.Networks[0].Stack!.Output;
            Assert.Equal(2800 - 40, output.ExpectedPayload(address));
            var (client, server) = await ConnectAsync(world);
            await TransferAsync(client, server, Data(1_000_000));
            for (int i = 0; i < 15; i++)
            {
                await TransferAsync(client, server, Data(1000));
                await world.Delay(TimeSpan.FromSeconds(1));
            }

            Assert.Equal(1232 - 38 - 40, output.ExpectedPayload(address));
            await client.DisposeAsync();
            await server.DisposeAsync();
        });
        world.Stop();
    }

    private static void Narrow(SimulatedWorld world, int there, int back, bool relayed)
    {
        var link = new VirtualLink { Delay = TimeSpan.FromMilliseconds(10), Bandwidth = Bandwidth };
        if (relayed)
        {
            world.Physical.Block(world.Hosts[1], world.Hosts[2]);
        }

        // Members[1] is the client, on Hosts[2].
        var peer = relayed ? world.Hosts[0] : world.Hosts[1];
        world.Physical.SetOneWayLink(world.Hosts[2], peer, link with { Mtu = there });
        world.Physical.SetOneWayLink(peer, world.Hosts[2], link with { Mtu = back });
    }

    private static byte[] Data(int length)
    {
        byte[] data = new byte[length];
        new SeededRandom(2).Fill(data);
        return data;
    }

    private static async Task<(ZeroTierConnection Client, ZeroTierConnection Server)> ConnectAsync(SimulatedWorld world)
    {
        await using var listener = await world.Members[0].ListenAsync(
            new ZeroTierEndPoint(SimulatedWorld.Network, Port), SimulatedWorld.InlineTransport, Token);
        var accepting = listener.AcceptAsync(Token);
        var client = await world.Members[1].ConnectAsync(world.EndPointOf(0, Port), SimulatedWorld.InlineTransport, Token);
        return (client, (await accepting)!);
    }

    private static async Task TransferAsync(ZeroTierConnection from, ZeroTierConnection to, byte[] data)
    {
        var receiving = ReceiveAsync(to, data.Length);
        await from.Output.WriteAsync(data, Token);
        Assert.Equal(data, await receiving);
    }

    private static async Task<byte[]> ReceiveAsync(ZeroTierConnection connection, int length, Action? onProgress = null)
    {
        byte[] all = new byte[length];
        for (int at = 0; at < length;)
        {
            var result = await connection.Input.ReadAsync(Token);
            foreach (var segment in result.Buffer)
            {
                segment.Span.CopyTo(all.AsSpan(at));
                at += segment.Length;
            }

            connection.Input.AdvanceTo(result.Buffer.End);
            onProgress?.Invoke();
            Assert.True(at == length || !result.IsCompleted, "The stream ended early.");
        }

        return all;
    }

    private sealed class Gap(SimulatedWorld world)
    {
        private TimeSpan _last = world.Clock.Elapsed;

        public TimeSpan Longest { get; private set; }

        public void OnProgress()
        {
            var gap = world.Clock.Elapsed - _last;
            Longest = gap > Longest ? gap : Longest;
            _last = world.Clock.Elapsed;
        }
    }
}
