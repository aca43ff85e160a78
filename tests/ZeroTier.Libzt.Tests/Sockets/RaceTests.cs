namespace ZeroTier.Libzt.Tests.Sockets;

/// <summary>Everything at once, from many threads.</summary>
public sealed class RaceTests : SocketLoopTest
{
    [Fact]
    public async Task Abort_dispose_close_output_and_writes_from_many_threads_leave_nothing_behind()
    {
        await using var listener = await Listen();
        for (int round = 0; round < 60; round++)
        {
            var (connection, peer) = await Accept(listener);
            peer.Send(Data(5000));
            int seed = round;
            using var barrier = new Barrier(4);
            Task Run(Func<Task> action) => Task.Factory.StartNew(
                async () =>
                {
                    barrier.SignalAndWait(Token);
                    await action();
                },
                Token,
                TaskCreationOptions.LongRunning,
                TaskScheduler.Default).Unwrap();
            await Bounded(Task.WhenAll(
                Run(async () =>
                {
                    if (seed % 3 != 0)
                    {
                        await connection.DisposeAsync();
                    }
                }),
                Run(() =>
                {
                    if (seed % 3 != 1)
                    {
                        connection.Abort();
                    }

                    return Task.CompletedTask;
                }),
                Run(() =>
                {
                    connection.CloseOutput();
                    return Task.CompletedTask;
                }),
                Run(() =>
                {
                    if (seed % 2 == 0)
                    {
                        peer.Reset();
                    }
                    else
                    {
                        peer.Close();
                    }

                    return Task.CompletedTask;
                })));
            Assert.NotNull(connection.ToString());
            await Bounded(connection.ReceiveEnded);
            await Bounded(connection.SendEnded);
            await connection.DisposeAsync();
        }

        Until(() => Loop.Counters.Descriptors == 1);
    }

    [Fact]
    public async Task Listeners_connections_and_cancellations_from_many_tasks_leave_nothing_behind()
    {
        await using var listener = await Listen();
        var echo = Task.Run(async () =>
        {
            var running = new List<Task>();
            while (await listener.AcceptAsync(Token) is { } connection)
            {
                running.Add(Task.Run(async () =>
                {
                    await using (connection)
                    {
                        await connection.Input.CopyToAsync(connection.Output, Token);
                    }
                }, Token));
            }

            await Task.WhenAll(running);
        }, Token);
        var others = Enumerable.Range(0, 8).Select(seed => Task.Run(async () =>
        {
            for (int i = 0; i < 15; i++)
            {
                using var stop = new CancellationTokenSource(TimeSpan.FromMilliseconds((seed + i) % 7));
                try
                {
                    await using var port = await Loop.ListenAsync(View, new ZeroTierEndPoint(Network, 0), Options, stop.Token);
                    await port.AcceptAsync(stop.Token);
                }
                catch (OperationCanceledException)
                {
                    // As meant.
                }

                try
                {
                    var address = Double.RawDouble.Ip(Peer.Address(0));
                    await using var connection = await Loop.ConnectAsync(
                        View, new ZeroTierEndPoint(Network, address, 4000 + seed), Options, stop.Token);
                }
                catch (Exception e) when (e is OperationCanceledException or ZeroTierException { Error: ZeroTierError.ConnectionRefused })
                {
                    // One or the other.
                }
            }
        }, Token)).ToArray();
        for (int i = 0; i < 50; i++)
        {
            var peer = PeerSocket.Connect(Peer, To(listener));
            peer.Send(Data(10_000, i));
            Assert.Equal(Data(10_000, i), peer.Receive(10_000));
            peer.Shutdown();
            Assert.Equal((0, 0), peer.ReceiveToEnd());
            peer.Close();
        }

        await Bounded(Task.WhenAll(others));
        await Bounded(listener.DisposeAsync());
        await Bounded(echo);
        Until(() => Loop.Counters.Descriptors == 0);
    }

    [Fact]
    public async Task Duplex_stress_many_connections_each_keeps_its_own_bytes()
    {
        const int Count = 16;
        const int Length = 600_000;
        Control.Configure("partial=7000;eagain=1");
        await using var listener = await Listen();
        var tasks = new List<Task>();
        var peers = new List<PeerSocket>();
        for (int i = 0; i < Count; i++)
        {
            var (connection, peer) = await Accept(listener);
            peers.Add(peer);
            byte[] toPeer = Data(Length, i);
            byte[] toUs = Data(Length, -i - 1);
            tasks.Add(Task.Run(
                async () =>
                {
                    var random = new Random(toPeer[0]);
                    for (int offset = 0; offset < Length;)
                    {
                        int n = Math.Min(random.Next(1, 20_000), Length - offset);
                        await connection.Output.WriteAsync(toPeer.AsMemory(offset, n), Token);
                        offset += n;
                    }

                    await connection.Output.CompleteAsync();
                },
                Token));
            tasks.Add(Task.Run(
                async () =>
                {
                    int offset = 0;
                    while (offset < Length)
                    {
                        var result = await connection.Input.ReadAsync(Token);
                        foreach (var segment in result.Buffer)
                        {
                            Assert.True(segment.Span.SequenceEqual(toUs.AsSpan(offset, segment.Length)), $"Other bytes after {offset}.");
                            offset += segment.Length;
                        }

                        connection.Input.AdvanceTo(result.Buffer.End);
                        Assert.False(result.IsCompleted && offset < Length);
                    }

                    Assert.Null(await connection.SendEnded);
                    await connection.DisposeAsync();
                },
                Token));
            tasks.Add(Task.Factory.StartNew(() => peer.Send(toUs), Token, TaskCreationOptions.LongRunning, TaskScheduler.Default));
            tasks.Add(
                Task.Factory.StartNew(
                    () => Assert.Equal(toPeer, peer.Receive(Length)), Token, TaskCreationOptions.LongRunning, TaskScheduler.Default));
        }

        await Bounded(Task.WhenAll(tasks));
        peers.ForEach(p => p.Close());
    }
}
