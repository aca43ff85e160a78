namespace ZeroTier.Conformance;

/// <summary>
/// Whatever an application does wrong with one connection ends at most that one, with a reset and one log line (rule 6.14). Beside each
/// fault another connection of the same listener goes on; a fault that reaches a thread of the engine unhandled ends the test process.
/// </summary>
public abstract class FaultConformance<TEngine> : ConformanceTest<TEngine>
    where TEngine : IConformanceEngine, new()
{
    private static readonly ZeroTierConnectionOptions s_options = ZeroTierConnectionOptions.Default;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Rule_6_14_Two_writers_that_wait_at_once_cost_their_connection(bool disposes)
    {
        await using var scene = await OpenAsync();
        var writers = Enumerable.Range(0, 3)
            .Select(_ => Task.Run(() => ConcurrentWriters.WriteUntilBrokenAsync(scene.Server.Output), Token)).ToArray();
        await Bounded(Task.WhenAll(writers));
        if (disposes)
        {
            // The reset does not wait for room.
            await scene.Server.DisposeAsync();
            Assert.Equal(ZeroTierError.ConnectionReset, (await Bounded(scene.Client.ReceiveEnded))?.Error);
        }

        await ReadsAReset(scene.Client);
        await scene.AssertFaulted("two writes at once");
    }

    [Fact]
    public async Task Rule_6_14_Writers_that_meet_by_chance_cost_their_connections()
    {
        await using var scene = await OpenAsync();
        for (int round = 0; round < 40; round++)
        {
            var (client, server) = await Connect(scene.Listener);
            var reading = Task.Run(() => ReadUntilEnd(client), Token);
            await Bounded(Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(
                async () =>
                {
                    try
                    {
                        for (int i = 0; i < 60; i++)
                        {
                            await server.Output.WriteAsync(new byte[1500], Token);
                        }
                    }
                    catch (InvalidOperationException)
                    {
                        // What a pipe says.
                    }
                },
                Token))));
            await server.DisposeAsync();
            await Bounded(reading);
            await client.DisposeAsync();
        }

        await scene.AssertOthersLive();
        Assert.All(scene.Lines, line => Assert.StartsWith("ConnectionFaulted", line, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Rule_6_14_Two_readers_cost_their_connection()
    {
        await using var scene = await OpenAsync();
        var one = Record.ExceptionAsync(() => scene.Server.Input.ReadAsync(Token).AsTask()).AsTask();
        var two = Record.ExceptionAsync(() => scene.Server.Input.ReadAsync(Token).AsTask()).AsTask();

        await Record.ExceptionAsync(async () => await scene.Client.Output.WriteAsync(new byte[1000], Token));
        await ReadsAReset(scene.Client);

        await Bounded(Task.WhenAny(one, two));
        await scene.AssertFaulted("could not be stored");
    }

    [Fact]
    public async Task Rule_6_14_Reading_and_writing_after_completion_is_told_to_the_caller_alone()
    {
        await using var scene = await OpenAsync();
        await scene.Server.Input.CompleteAsync();
        await Assert.ThrowsAsync<InvalidOperationException>(() => Bounded(scene.Server.Input.ReadAsync(Token)));
        Assert.Throws<InvalidOperationException>(() => scene.Server.Input.TryRead(out _));
        await Send(scene.Client, new byte[10_000]);
        await Send(scene.Server, new byte[10]);
        await Receive(scene.Client, 10);

        await scene.Server.Output.CompleteAsync();
        await Assert.ThrowsAsync<InvalidOperationException>(() => Bounded(scene.Server.Output.WriteAsync(new byte[1], Token)));
        Assert.Throws<InvalidOperationException>(() => scene.Server.Output.GetMemory());
        Assert.Equal(0, (await ReceiveAll(scene.Client.Input)).Length);

        await scene.AssertNothingFaulted();
    }

    [Fact]
    public async Task Rule_6_14_Advancing_wrongly_is_told_to_the_caller_alone()
    {
        await using var scene = await OpenAsync();
        await Send(scene.Client, new byte[10]);
        var read = await Bounded(scene.Server.Input.ReadAsync(Token));
        scene.Server.Input.AdvanceTo(read.Buffer.End);
        Assert.ThrowsAny<InvalidOperationException>(() => scene.Server.Input.AdvanceTo(read.Buffer.End));
        Assert.ThrowsAny<Exception>(() => scene.Server.Output.Advance(5000));
        await Send(scene.Client, new byte[10]);
        await Receive(scene.Server, 10);
        await scene.AssertNothingFaulted();
    }

    [Fact]
    public async Task Rule_6_14_A_dispose_in_the_middle_of_a_read_or_write_costs_no_more_than_the_connection()
    {
        await using var scene = await OpenAsync();
        await Send(scene.Client, new byte[10]);
        var read = await Bounded(scene.Server.Input.ReadAsync(Token));
        var memory = scene.Server.Output.GetMemory(100);
        await scene.Server.DisposeAsync();
        Record.Exception(() => scene.Server.Input.AdvanceTo(read.Buffer.End));
        Record.Exception(() => scene.Server.Output.Advance(Math.Min(100, memory.Length)));
        await Record.ExceptionAsync(() => Bounded(scene.Server.Output.FlushAsync(Token)));
        await ReadUntilEnd(scene.Client);
        await scene.AssertOthersLive();
    }

    [Fact]
    public async Task Rule_6_14_A_pool_that_has_nothing_to_rent_costs_the_connection_that_needs_it()
    {
        var pool = new FaultyPool();
        await using var scene = await OpenAsync(s_options with { MemoryPool = pool });
        pool.FailsToRent = true;

        await Record.ExceptionAsync(async () => await scene.Client.Output.WriteAsync(new byte[1000], Token));
        await ReadsAReset(scene.Client);

        pool.FailsToRent = false;
        await scene.AssertFaulted("could not be stored");
    }

    [Fact]
    public async Task Rule_6_14_A_pool_that_takes_nothing_back_costs_the_connection_whose_block_it_was()
    {
        var pool = new FaultyPool();
        await using var scene = await OpenAsync(s_options with { MemoryPool = pool });
        pool.FailsToReturn = true;

        // The engine takes the bytes, and gives the blocks back.
        await Record.ExceptionAsync(() => Bounded(scene.Server.Output.WriteAsync(new byte[20_000], Token)));
        await ReadsAReset(scene.Client);

        pool.FailsToReturn = false;
        await scene.AssertFaulted("This end failed while writing");
    }

    [Fact]
    public async Task Rule_6_14_A_pool_that_takes_nothing_back_at_the_end_keeps_nobody_waiting()
    {
        var pool = new FaultyPool();
        await using var scene = await OpenAsync(s_options with { MemoryPool = pool });
        await Send(scene.Client, new byte[10_000]);
        await Until(() => pool.Rentals > 0);
        pool.FailsToReturn = true;

        await Bounded(scene.Server.DisposeAsync());

        await Bounded(scene.Server.ReceiveEnded);
        await Bounded(scene.Server.SendEnded);
        await ReadUntilEnd(scene.Client);
        pool.FailsToReturn = false;
        await scene.AssertOthersLive();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Rule_6_14_A_scheduler_that_throws_loses_nothing_and_runs_nothing_twice(bool runs)
    {
        var scheduler = new FaultyScheduler(runs);
        await using var scene = await OpenAsync(
            s_options with { ApplicationScheduler = scheduler, TransportScheduler = scheduler, MaxReadBufferSize = 1000 });
        string sent = "";
        var sending = Task.Run(async () => sent = await SendAll(scene.Client.Output, 100_000, seed: 3), Token);
        var received = await ReceiveAll(scene.Server.Input);
        await Bounded(sending);
        Assert.Equal((100_000, sent), received);

        var back = ReceiveAll(scene.Client.Input);
        string hash = await SendAll(scene.Server.Output, 300_000, seed: 4);
        Assert.Equal((300_000, hash), await back);

        await scene.AssertOthersLive();
        Assert.All(scene.Lines, line => Assert.StartsWith("SchedulerFailed", line, StringComparison.Ordinal));
        Assert.InRange(scene.Lines.Count, 1, 2);
    }

    [Fact]
    public async Task Rule_6_14_An_observer_that_throws_costs_nothing_and_one_line()
    {
        await using var scene = await OpenAsync(s_options with { Observer = new FaultyObserver(), MaxReadBufferSize = 1000 });
        var sending = Task.Run(() => SendAll(scene.Client.Output, 50_000, seed: 5), Token);
        Assert.Equal(50_000, (await ReceiveAll(scene.Server.Input)).Length);
        await Bounded(sending);
        await scene.Server.Output.CompleteAsync();
        await ReadUntilEnd(scene.Client);
        var (client, server) = await Connect(scene.Listener);
        server.Abort();
        await ReadsAReset(client);
        await client.DisposeAsync();
        await server.DisposeAsync();

        await scene.AssertOthersLive();
        Assert.StartsWith("ObserverFailed", Assert.Single(scene.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rule_6_14_A_token_whose_callbacks_throw_ends_what_it_was_given_to()
    {
        await using var scene = await OpenAsync();
        using var stop = new CancellationTokenSource();
        stop.Token.Register(() => throw new InvalidDataException("The first callback failed."));
        await using var other = await Listen();
        var accepting = other.AcceptAsync(stop.Token).AsTask();
        var reading = scene.Server.Input.ReadAsync(stop.Token).AsTask();
        var receiving = (await Bounded(Server.BindDatagramAsync(On(Server, 0), Token))).ReceiveFromAsync(new byte[10], stop.Token).AsTask();
        var events = Task.Run(async () =>
        {
            await foreach (var _ in Server.Subscribe().ReadAllAsync(stop.Token))
            {
            }
        }, Token);
        stop.Token.Register(() => throw new InvalidDataException("The last callback failed."));

        Assert.Throws<AggregateException>(stop.Cancel);

        foreach (var task in new Task[] { accepting, reading, receiving, events })
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Bounded(task));
        }

        await Send(scene.Client, new byte[5]);
        await Receive(scene.Server, 5);
        await scene.AssertNothingFaulted();
    }

    [Fact]
    public async Task Rule_6_14_All_faults_at_once_beside_others_and_with_a_log_that_throws()
    {
        var pool = new FaultyPool();
        await using var scene = await OpenAsync(
            s_options with { MemoryPool = pool, ApplicationScheduler = new FaultyScheduler(runs: false), Observer = new FaultyObserver() });
        scene.Log.Throws = true;
        var random = new Random(42);
        for (int round = 0; round < 60; round++)
        {
            var (client, server) = await Connect(scene.Listener);
            int wait = random.Next(3);
            var reading = Task.Run(() => ReadUntilEnd(client), Token);
            var flood = Task.Run(() => Quietly(async () => await client.Output.WriteAsync(new byte[200_000], Token)), Token);
            pool.FailsToRent = random.Next(4) == 0;
            pool.FailsToReturn = random.Next(4) == 0;
            var misuse = Enumerable.Range(0, 2).SelectMany<int, Func<Task>>(_ =>
            [
                async () => await server.Output.WriteAsync(new byte[9000], Token),
                async () => await server.Output.FlushAsync(Token),
                async () => server.Input.AdvanceTo((await server.Input.ReadAsync(Token)).Buffer.End),
                () => server.Output.CompleteAsync(round % 2 == 0 ? null : new InvalidDataException("Half done.")).AsTask(),
                () => server.Input.CompleteAsync(round % 3 == 0 ? null : new InvalidDataException("Half read.")).AsTask(),
            ]).OrderBy(_ => random.Next()).Select(action => Task.Run(() => Quietly(action), Token)).ToArray();
            await Task.Delay(wait, Token);
            switch (random.Next(3))
            {
                case 0:
                    server.Abort();
                    break;
                case 1:
                    server.CloseOutput();
                    break;
            }

            await Bounded(server.DisposeAsync());
            pool.FailsToRent = false;
            pool.FailsToReturn = false;
            client.Abort();
            await Bounded(reading);
            await Bounded(flood);
            await Bounded(server.ReceiveEnded);
            await Bounded(server.SendEnded);
            await client.DisposeAsync();
        }

        scene.Log.Throws = false;
        await scene.AssertOthersLive();
    }

    private async Task<Scene> OpenAsync(ZeroTierConnectionOptions? options = null)
    {
        var listener = await Listen(0, options);
        var bystander = await Connect(await Listen());
        var (client, server) = await Connect(listener);
        return new Scene(this, listener, client, server, bystander);
    }

    private static async Task Quietly(Func<Task> action)
    {
        try
        {
            await action();
        }
        catch (Exception)
        {
            // Told to the caller, which is all that the test asks for.
        }
    }

    private static async Task ReadUntilEnd(ZeroTierConnection connection)
    {
        try
        {
            while (true)
            {
                var read = await Bounded(connection.Input.ReadAsync());
                connection.Input.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted)
                {
                    return;
                }
            }
        }
        catch (ZeroTierException)
        {
            // Reset, the end as well.
        }
    }

    private static async Task ReadsAReset(ZeroTierConnection connection)
    {
        await ReadUntilEnd(connection);
        Assert.Equal(ZeroTierError.ConnectionReset, (await Bounded(connection.ReceiveEnded))?.Error);
    }

    /// <summary>A connection to do wrong to, and one beside it.</summary>
    private sealed class Scene(
        FaultConformance<TEngine> test,
        IZeroTierListener listener,
        ZeroTierConnection client,
        ZeroTierConnection server,
        (ZeroTierConnection Client, ZeroTierConnection Server) bystander) : IAsyncDisposable
    {
        public IZeroTierListener Listener => listener;

        public ZeroTierConnection Client => client;

        public ZeroTierConnection Server => server;

        public FaultLog Log => test.Pair.ServerFaults;

        public IReadOnlyList<string> Lines => Log.Lines;

        public async Task AssertFaulted(string reason)
        {
            await AssertOthersLive();
            Assert.Contains(reason, (await Bounded(server.SendEnded))!.Message, StringComparison.Ordinal);
            string line = Assert.Single(Lines);
            Assert.StartsWith("ConnectionFaulted", line, StringComparison.Ordinal);
            Assert.Contains(reason, line, StringComparison.Ordinal);
        }

        public async Task AssertNothingFaulted()
        {
            await AssertOthersLive();
            Assert.Empty(Lines);
        }

        /// <summary>The other connection carries bytes both ways, and a new one can be opened through the same listener.</summary>
        public async Task AssertOthersLive()
        {
            await test.Send(bystander.Client, "still here"u8.ToArray());
            await test.Receive(bystander.Server, 10);
            await test.Send(bystander.Server, "still here"u8.ToArray());
            await test.Receive(bystander.Client, 10);
            var (newClient, newServer) = await test.Connect(listener);
            await test.Send(newClient, new byte[100]);
            await test.Receive(newServer, 100);
            await newClient.DisposeAsync();
            await newServer.DisposeAsync();
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var connection in new[] { client, server, bystander.Client, bystander.Server })
            {
                await Bounded(connection.DisposeAsync());
            }

            await Bounded(listener.DisposeAsync());
        }
    }
}
