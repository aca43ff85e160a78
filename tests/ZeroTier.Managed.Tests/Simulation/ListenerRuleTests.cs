using System.Buffers;
using System.Collections.Concurrent;
using System.IO.Pipelines;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.Simulation;

/// <summary>Rules of the transport contract that are the engine's to keep, in virtual time.</summary>
[Collection(nameof(AloneInTheProcess))]
public class ListenerRuleTests
{
    private const int Port = 80;
    private const int Backlog = 512;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public void Rule_5_8_Ten_thousand_handshakes_that_nobody_accepts_use_bounded_memory_and_the_first_are_served()
    {
        const int Round = 1000;
        var world = new SimulatedWorld(seed: 58, members: 2);
        var (server, client) = (world.Members[0], world.Members[1]);
        var earliest = new Dictionary<int, ZeroTierConnection>();
        int waiting = 0;
        var memory = new List<long>();
        world.Run(async () =>
        {
            await world.StartAsync();
            await using var listener = await server.ListenAsync(
                new ZeroTierEndPoint(SimulatedWorld.Network, Port), SimulatedWorld.InlineTransport with { Backlog = Backlog }, Token);
            for (int round = 0; round < 10; round++)
            {
                using var stop = new CancellationTokenSource();
                var attempts = Enumerable.Range(0, Round)
                    .Select(_ => client.ConnectAsync(world.EndPointOf(0, Port), SimulatedWorld.InlineTransport, stop.Token).AsTask())
                    .ToArray();
                // The nodes find each other in the first round, and SYNs are sent again until the queue is full; later ones find no room at
                // once.
                await world.Delay(TimeSpan.FromMilliseconds(round == 0 ? 3000 : 200));
                var done = attempts.Where(a => a.IsCompletedSuccessfully).Select(a => a.Result).ToArray();
                // CancelAsync would call back on the thread pool, and the simulation belongs to this thread.
                stop.Cancel();
                await Task.WhenAll(attempts)
                    .ContinueWith(_ => { }, Token, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
                if (round == 0)
                {
                    earliest = done.ToDictionary(c => c.LocalEndPoint.Port);
                    waiting = (int)server.GetStatistics().TcpConnections;
                    Assert.Equal(Backlog, waiting);
                }
                else
                {
                    // A client believes a SYN-ACK whose acknowledgement then finds no room.
                    foreach (var connection in done)
                    {
                        connection.Abort();
                        await connection.DisposeAsync();
                    }
                }

                Assert.Equal(waiting, server.GetStatistics().TcpConnections);
                if (round is 0 or 9)
                {
                    memory.Add(GC.GetTotalMemory(forceFullCollection: true));
                }
            }

            Assert.True(server.GetStatistics().Dropped["tcp.backlog"] >= 10 * Round - waiting, "What was dropped is not counted.");
            for (int i = 0; i < waiting; i++)
            {
                await using var accepted = (await listener.AcceptAsync(Token))!;
                await using var connection = earliest[accepted.RemoteEndPoint.Port];
                await accepted.Output.WriteAsync(new byte[] { 42 }, Token);
                Assert.Equal(42, (await connection.Input.ReadAsync(Token)).Buffer.FirstSpan[0]);
            }

            foreach (var connection in earliest.Values)
            {
                connection.Abort();
                await connection.DisposeAsync();
            }

            await world.Delay(TimeSpan.FromSeconds(1));
            await using var late = await client.ConnectAsync(world.EndPointOf(0, Port), SimulatedWorld.InlineTransport, Token);
            await using var lateAtServer = (await listener.AcceptAsync(Token))!;
            Assert.Equal(late.LocalEndPoint, lateAtServer.RemoteEndPoint);
        });

        // Other tests of the process allocate, too: what grows with each handshake would be far more.
        long growth = (memory[^1] - memory[0]) / (9 * Round);
        Assert.True(growth < 2000, $"Each further handshake cost {growth} bytes.");
        world.Stop();
    }

    [Fact]
    public void Rule_5_6_A_connection_that_nobody_accepted_is_reset_and_counted()
    {
        var world = new SimulatedWorld(seed: 56, members: 2);
        world.Run(async () =>
        {
            await world.StartAsync();
            var listener = await world.Members[0].ListenAsync(
                new ZeroTierEndPoint(SimulatedWorld.Network, Port), SimulatedWorld.InlineTransport, Token);
            var accepting = listener.AcceptAsync(Token);
            await using var first = await world.Members[1].ConnectAsync(world.EndPointOf(0, Port), SimulatedWorld.InlineTransport, Token);
            await using var accepted = (await accepting)!;
            await using var waiting = await world.Members[1].ConnectAsync(world.EndPointOf(0, Port), SimulatedWorld.InlineTransport, Token);
            await world.Delay(TimeSpan.FromSeconds(1));

            await listener.DisposeAsync();

            Assert.Equal(ZeroTierError.ConnectionReset, (await waiting.ReceiveEnded)!.Error);
            Assert.Equal(1, world.Members[0].GetStatistics().Dropped["tcp.unaccepted"]);
            await accepted.Output.WriteAsync(new byte[] { 7 }, Token);
            Assert.Equal(7, (await first.Input.ReadAsync(Token)).Buffer.FirstSpan[0]);
        });
        world.Stop();
    }

    [Fact]
    public async Task Rule_7_5_A_handler_that_blocks_does_not_stop_a_hundred_other_connections()
    {
        const int Others = 100;
        var world = new SimulatedWorld(seed: 75, members: 2);
        using var gate = new ManualResetEventSlim();
        using var entered = new ManualResetEventSlim();
        var answered = new ConcurrentBag<int>();
        Task blocked = Task.CompletedTask;
        ZeroTierConnection? ending = null;
        world.Run(async () =>
        {
            await world.StartAsync();
            var endPoint = new ZeroTierEndPoint(SimulatedWorld.Network, Port);
            var apart = SimulatedWorld.InlineTransport with { ApplicationScheduler = PipeScheduler.ThreadPool };
            await using var slowListener = await world.Members[0].ListenAsync(endPoint, apart, Token);
            await using var listener = await world.Members[0].ListenAsync(
                new ZeroTierEndPoint(SimulatedWorld.Network, Port + 1), SimulatedWorld.InlineTransport, Token);
            var (slow, slowAtServer) = await ConnectAsync(world, slowListener);
            ending = slowAtServer;
            blocked = BlockAsync(slowAtServer, entered, gate);
            await slow.Output.WriteAsync(new byte[] { 1 }, Token);

            // The handler runs on a real thread, which virtual time must not outrun.
            while (!entered.Wait(TimeSpan.FromMilliseconds(1), Token))
            {
                await world.Delay(TimeSpan.FromMilliseconds(1));
            }

            // From here on the handler blocks a thread that is not ours, in the middle of a read's continuation.
            var before = world.Clock.Elapsed;
            var echoes = Enumerable.Range(0, Others).Select(async i =>
            {
                var (client, server) = await ConnectAsync(world, listener);
                await client.Output.WriteAsync(new[] { (byte)i }, Token);
                var asked = await server.Input.ReadAsync(Token);
                await server.Output.WriteAsync(asked.Buffer.ToArray(), Token);
                var answer = await client.Input.ReadAsync(Token);
                answered.Add(answer.Buffer.FirstSpan[0]);
                await client.DisposeAsync();
                await server.DisposeAsync();
            }).ToArray();
            await Task.WhenAll(echoes);
            Assert.True(
                world.Clock.Elapsed - before < TimeSpan.FromMilliseconds(500), $"Took {world.Clock.Elapsed - before} of virtual time.");
            Assert.False(blocked.IsCompleted);
            gate.Set();
            await slow.DisposeAsync();
        });
        Assert.Equal(Enumerable.Range(0, Others), answered.Order());
        await blocked.WaitAsync(TimeSpan.FromSeconds(20), Token);
        world.Run(() => ending!.DisposeAsync().AsTask());
        world.Stop();
    }

    private static async Task BlockAsync(ZeroTierConnection connection, ManualResetEventSlim entered, ManualResetEventSlim gate)
    {
        await connection.Input.ReadAsync(Token);
        entered.Set();

        // Nothing after this touches the network: the simulation belongs to the thread that drives it.
        gate.Wait(Token);
    }

    private static async Task<(ZeroTierConnection Client, ZeroTierConnection Server)> ConnectAsync(
        SimulatedWorld world, IZeroTierListener listener)
    {
        var accepting = listener.AcceptAsync(Token);
        var client = await world.Members[1].ConnectAsync(
            world.EndPointOf(0, listener.EndPoint.Port), SimulatedWorld.InlineTransport, Token);
        return (client, (await accepting)!);
    }
}
