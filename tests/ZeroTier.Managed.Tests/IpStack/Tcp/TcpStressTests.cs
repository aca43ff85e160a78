using System.Collections.Concurrent;
using System.IO.Pipelines;
using ZeroTier.Managed.IpStack;
using ZeroTier.Managed.IpStack.Tcp;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.IpStack.Tcp;

/// <summary>Two stacks on real threads and the real clock: everything at once, then nothing is left.</summary>
public sealed class TcpStressTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task Many_connections_concurrent_writes_aborts_and_disposals_survivors_are_intact_and_nothing_stays()
    {
        using var wire = new ThreadedWire();
        using TcpListener listener = wire.B.Listen(null, 80);
        Task serving = ServeAsync(listener);
        int intact = 0;
        await Task.WhenAll(Enumerable.Range(0, 8).Select(worker => Task.Run(
            async () =>
            {
                var random = new SeededRandom((ulong)worker + 1);
                for (int i = 0; i < 25; i++)
                {
                    Interlocked.Add(ref intact, await UseAsync(wire, random) ? 1 : 0);
                }
            },
            TestContext.Current.CancellationToken))).WaitAsync(Limit, TestContext.Current.CancellationToken);
        listener.Dispose();
        await serving.WaitAsync(Limit, TestContext.Current.CancellationToken);
        Assert.InRange(intact, 20, 200);
        await wire.AssertCleanAsync();
    }

    // One connection: half of them echo to the end, the others are broken off in one of several ways.
    private static async Task<bool> UseAsync(ThreadedWire wire, SeededRandom random)
    {
        const int Count = 60_000;
        int fate = random.Next(8);
        TcpSocket socket = await wire.A.ConnectAsync(wire.AddressA, wire.AddressB, 80);
        Task writing = SendAsync(socket, Count);
        switch (fate)
        {
            case 0:
                socket.Abort();
                break;
            case 1:
                socket.Dispose();
                break;
            case 2:
                await Task.WhenAll(Task.Run(() => socket.Abort()), Task.Run(socket.Dispose), Task.Run(socket.CloseOutput));
                break;
            case 3:
                await socket.Input.ReadAsync();
                await Task.WhenAll(Task.Run(socket.Dispose), Task.Run(() => socket.Abort()), Task.Run(() => socket.Abort()));
                break;
            default:
                Assert.Equal(Count, await TcpTraffic.ReceiveAsync(socket.Input, 1));
                await writing;
                Assert.Null(await socket.ReceiveEnded);
                Assert.Null(await socket.SendEnded);
                socket.Dispose();
                return true;
        }

        await writing;
        await socket.ReceiveEnded;
        await socket.SendEnded;
        socket.Dispose();
        return false;

        static async Task SendAsync(TcpSocket socket, int count)
        {
            try
            {
                await TcpTraffic.SendAsync(socket.Output, count, 1);
            }
            catch (Exception e) when (e is TcpException or InvalidOperationException)
            {
                // Broken off, or disposed while it writes.
            }
        }
    }

    private static async Task ServeAsync(TcpListener listener)
    {
        var echoes = new List<Task>();
        while (await listener.AcceptAsync() is { } socket)
        {
            echoes.Add(EchoAsync(socket));
        }

        await Task.WhenAll(echoes);

        static async Task EchoAsync(TcpSocket socket)
        {
            await Task.Yield();
            try
            {
                await socket.Input.CopyToAsync(socket.Output);
                await socket.Output.CompleteAsync();
                await socket.SendEnded;
            }
            catch (TcpException)
            {
                // The client broke it off.
            }

            socket.Dispose();
        }
    }

    /// <summary>
    /// Carries packets on one thread each way, as a node's receive threads do. Batches arrive in the order in which they were sent.
    /// </summary>
    private sealed class ThreadedWire : IDisposable
    {
        private readonly BlockingCollection<List<Packet>> _toA = [];
        private readonly BlockingCollection<List<Packet>> _toB = [];
        private readonly BatchQueue _batches = new();
        private readonly Task[] _carriers;

        public ThreadedWire()
        {
            TcpLayerOptions options = TcpLayerOptions.Default with { FinWaitTimeout = TimeSpan.FromSeconds(5), Batches = _batches };
            A = new TcpLayer(new Output(_toB), TimeProvider.System, new SeededRandom(1), options);
            B = new TcpLayer(new Output(_toA), TimeProvider.System, new SeededRandom(2), options);
            _carriers =
            [
                Task.Factory.StartNew(() => Carry(_toA, A), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default),
                Task.Factory.StartNew(() => Carry(_toB, B), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default),
            ];
        }

        public IpAddress AddressA { get; } = IpAddress.FromIPv4(0x0a000001);

        public IpAddress AddressB { get; } = IpAddress.FromIPv4(0x0a000002);

        public TcpLayer A { get; }

        public TcpLayer B { get; }

        public async Task AssertCleanAsync()
        {
            long deadline = Environment.TickCount64 + (long)Limit.TotalMilliseconds;
            while (Remaining(A) + Remaining(B) > 0 && Environment.TickCount64 < deadline)
            {
                Assert.All(_carriers, carrier => Assert.False(carrier.IsCompleted, carrier.Exception?.ToString()));
                await Task.Delay(20, TestContext.Current.CancellationToken);
            }

            foreach (TcpLayer layer in (TcpLayer[])[A, B])
            {
                Assert.Equal(0, layer.SocketCount);
                Assert.Equal(0, layer.ConnectionCount);
                Assert.Equal(0, layer.HalfOpenCount);
                Assert.Equal(0, layer.Deadlines.Count);
                Assert.Equal(0, layer.Stations.Count);
                Assert.Equal(0, layer.Chunks.Outstanding);
            }

            // The wire keeps order, and so do the stacks.
            Assert.Equal(0, A.Statistics[TcpCounter.OutOfOrderSegments] + B.Statistics[TcpCounter.OutOfOrderSegments]);
        }

        public void Dispose()
        {
            A.Dispose();
            B.Dispose();
            _toA.CompleteAdding();
            _toB.CompleteAdding();
        }

        private static long Remaining(TcpLayer layer) =>
            layer.SocketCount
            + layer.ConnectionCount
            + layer.HalfOpenCount
            + layer.Deadlines.Count
            + layer.Stations.Count
            + layer.Chunks.Outstanding;

        // As in a node with several sockets, either thread may end a batch of both layers.
        private void Carry(BlockingCollection<List<Packet>> queue, TcpLayer layer)
        {
            foreach (List<Packet> batch in queue.GetConsumingEnumerable())
            {
                foreach (Packet packet in batch)
                {
                    layer.OnSegment(packet.Source, packet.Destination, packet.SourceMac, packet.Bytes);
                }

                _batches.EndOfBatch();
            }
        }

        private sealed class Output(BlockingCollection<List<Packet>> queue) : IIpOutput
        {
            public int MaxPayload(in IpAddress destination) => TcpLink.Mtu;

            public IpBatch BeginBatch() => new PacketBatch(new MacAddress(0x0200_0000_0001), packets =>
            {
                if (packets.Count > 0 && !queue.IsAddingCompleted)
                {
                    queue.Add(packets);
                }
            });
        }
    }
}
