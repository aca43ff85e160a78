using System.IO.Pipelines;
using ZeroTier.Managed.IpStack;
using ZeroTier.Managed.IpStack.Tcp;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.IpStack.Tcp;

/// <summary>Memory has a bound, for one connection whose other end or whose application does not read, and for all together.</summary>
public sealed class BufferBudgetTests
{
    private const int KiB = 1024;

    [Fact]
    public void Rule_6_15_A_reader_that_falls_silent_costs_no_more_than_its_window_and_a_minimum()
    {
        const int Connections = 8;
        using var pair = new TcpPair();
        pair.Link.IsTraced = false;
        var sockets = Enumerable.Range(0, Connections).Select(_ => pair.Connect()).ToArray();
        foreach ((TcpSocket client, TcpSocket server) in sockets)
        {
            _ = TcpTraffic.SendAsync(server.Output, long.MaxValue, 1);
            _ = ReadSomeAsync(client, 8 << 20);
        }

        pair.Clock.Advance(TimeSpan.FromSeconds(60));
        Assert.True(
            pair.A.Layer.Statistics[TcpCounter.BytesReceived] > Connections * (8L << 20),
            "The readers did not read enough for a large window.");
        long each = (pair.B.Layer.Budget.Used / Connections) - BufferBudget.ConnectionCost;
        Assert.InRange(each, 1, 300 * KiB - 2 * BufferBudget.ConnectionCost);

        // They go on where they were.
        long before = pair.A.Layer.Statistics[TcpCounter.BytesReceived];
        foreach ((TcpSocket client, _) in sockets)
        {
            _ = ReadSomeAsync(client, 8 << 20);
        }

        pair.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.True(pair.A.Layer.Statistics[TcpCounter.BytesReceived] > before + Connections * (1L << 20), "The connections stand still.");
    }

    [Fact]
    public void Uploads_that_nobody_reads_hold_the_read_limit_and_a_reserve_and_go_on_when_read_again()
    {
        const int Connections = 10;
        using var pair = new TcpPair();
        pair.Link.IsTraced = false;
        var sockets = Enumerable.Range(0, Connections).Select(_ => pair.Connect()).ToArray();
        Task[] sending = [.. sockets.Select(s => TcpTraffic.SendAsync(s.Client.Output, 4 << 20, 1))];
        pair.Clock.Advance(TimeSpan.FromSeconds(60));
        long each = (pair.B.Layer.Budget.Used / Connections) - BufferBudget.ConnectionCost;
        Assert.InRange(each, 1 << 20, (1 << 20) + 160 * KiB);

        Task<long>[] receiving = [.. sockets.Select(s => TcpTraffic.ReceiveAsync(s.Server.Input, 1))];
        Assert.True(
            pair.Clock.RunUntil(() => Array.TrueForAll(receiving, r => r.IsCompleted), TimeSpan.FromSeconds(10)),
            "The uploads stand still.");
        Assert.All(receiving, r => Assert.Equal(4 << 20, r.Result));
        Assert.All(sending, s => Assert.True(s.IsCompletedSuccessfully));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(65536)]
    [InlineData(1 << 20)]
    public void Window_with_any_read_limit_never_stands_still_while_the_application_reads(int limit)
    {
        using var pair = new TcpPair();
        pair.Link.IsTraced = false;
        var input = new PipeOptions(
            readerScheduler: PipeScheduler.Inline,
            writerScheduler: PipeScheduler.Inline,
            pauseWriterThreshold: limit,
            resumeWriterThreshold: limit / 2,
            useSynchronizationContext: false);
        (TcpSocket client, TcpSocket server) = pair.Connect(server: TcpPair.Options with { Input = input });
        _ = TcpTraffic.SendAsync(client.Output, 3_000_000, 1);

        // Reads all there is, now and then.
        long received = 0;
        for (int i = 0; i < 2000 && received < 3_000_000; i++)
        {
            pair.Clock.Advance(TimeSpan.FromMilliseconds(25));
            if (server.Input.TryRead(out ReadResult read))
            {
                received += read.Buffer.Length;
                server.Input.AdvanceTo(read.Buffer.End);
            }
        }

        Assert.Equal(3_000_000, received);
        Assert.True(pair.Clock.Elapsed < TimeSpan.FromSeconds(10) || limit <= 1, $"Took {pair.Clock.Elapsed}.");
        Assert.Equal(0, pair.A.Layer.Statistics[TcpCounter.RetransmissionTimeouts]);
    }

    [Fact]
    public async Task Window_when_the_application_asks_for_more_at_once_than_the_read_limit_stays_open()
    {
        using var pair = new TcpPair();
        pair.Link.IsTraced = false;
        (TcpSocket client, TcpSocket server) = pair.Connect();
        _ = TcpTraffic.SendAsync(client.Output, 5_000_000, 1);
        Task<ReadResult> reading = server.Input.ReadAtLeastAsync(5_000_000, TestContext.Current.CancellationToken).AsTask();
        Assert.True(pair.Clock.RunUntil(() => reading.IsCompleted, TimeSpan.FromSeconds(20)), "The upload stands still.");
        Assert.Equal(5_000_000, (await reading).Buffer.Length);
    }

    [Fact]
    public async Task Rule_5_13_A_budget_that_is_used_up_refuses_newcomers_sheds_the_largest_that_stand_still_and_serves_again()
    {
        const int Limit = 8 << 20;
        var reports = new List<BudgetReport>();
        var clock = new VirtualClock();
        var link = new TcpLink(clock, seed: 1) { IsTraced = false };
        using var budget = new BufferBudget(clock, Limit, reports.Add);
        using var server = new TcpHost(link, 1, new TcpLayerOptions { Budget = budget });
        using var client = new TcpHost(link, 2);
        using TcpListener listener = server.Layer.Listen(null, 80, new TcpListenOptions { Socket = TcpPair.Options });

        // Some never read, some write to nobody; one is honest.
        var connections = new List<(TcpSocket Client, TcpSocket Server)>();
        (TcpSocket Client, TcpSocket Server) honest = Connect(clock, client, server, listener);
        long peak = 0;
        for (int i = 0; i < 100 && !budget.IsExhausted; i++)
        {
            (TcpSocket Client, TcpSocket Server) connection = Connect(clock, client, server, listener);
            connections.Add(connection);
            _ = i % 2 == 0
                ? TcpTraffic.SendAsync(connection.Server.Output, long.MaxValue, 1)
                : TcpTraffic.SendAsync(connection.Client.Output, long.MaxValue, 1);
            clock.Advance(TimeSpan.FromMilliseconds(200));
            peak = Math.Max(peak, budget.Used);
        }

        Assert.True(budget.IsExhausted);
        Task<long> honestDownload = TcpTraffic.ReceiveAsync(honest.Client.Input, 7);
        Task honestUpload = TcpTraffic.SendAsync(honest.Server.Output, 40 << 20, 7);
        Task<TcpSocket> refused = client.Layer.ConnectAsync(
            client.Address, server.Address, 80, TcpPair.Options, CancellationToken.None).AsTask();
        for (int i = 0; i < 20; i++)
        {
            clock.Advance(TimeSpan.FromMilliseconds(100));
            peak = Math.Max(peak, budget.Used);
        }

        Assert.False(refused.IsCompleted);
        Assert.True(server.Layer.Statistics[TcpCounter.MemoryRefused] >= 2);
        Assert.Equal(0, Assert.Single(reports).Reset);
        Assert.InRange(peak, Limit, Limit + Limit / 4);

        // Those that stand still go, the largest first; who waits outside is let in.
        Assert.True(clock.RunUntil(() => reports.Count == 2, TimeSpan.FromSeconds(10)));
        Assert.Equal(connections.Count(c => c.Server.State == TcpState.Closed), reports[1].Reset);
        Assert.InRange(reports[1].Reset, 1, 3);
        Assert.All(connections.Where((_, i) => i % 2 == 0), c => Assert.NotEqual(TcpState.Closed, c.Server.State));
        Assert.True(clock.RunUntil(() => refused.IsCompletedSuccessfully, TimeSpan.FromSeconds(60)));

        // Whoever moves is left alone.
        Assert.True(clock.RunUntil(() => honestDownload.IsCompleted, TimeSpan.FromMinutes(10)));
        Assert.Equal(40 << 20, await honestDownload);
        Assert.True(honestUpload.IsCompletedSuccessfully);
        clock.Advance(TimeSpan.FromSeconds(30));
        Assert.False(budget.IsExhausted);
        TcpException reason = TcpPeer.ResultOf(connections.First(c => c.Server.State == TcpState.Closed).Server.ReceiveEnded)!;
        Assert.Equal(TcpError.ConnectionAborted, reason.Error);
    }

    [Fact]
    public void Rule_5_13_Idle_connections_that_use_the_budget_up_stay_and_newcomers_wait_until_some_have_gone()
    {
        const int Connections = 64;
        var clock = new VirtualClock();
        var link = new TcpLink(clock, seed: 1) { IsTraced = false };
        using var budget = new BufferBudget(clock, Connections * BufferBudget.ConnectionCost);
        using var server = new TcpHost(link, 1, new TcpLayerOptions { Budget = budget });
        using var client = new TcpHost(link, 2);
        using TcpListener listener = server.Layer.Listen(null, 80, new TcpListenOptions { Socket = TcpPair.Options });
        var connections = Enumerable.Range(0, Connections).Select(_ => Connect(clock, client, server, listener)).ToArray();
        Task<TcpSocket> refused = client.Layer.ConnectAsync(
            client.Address, server.Address, 80, TcpPair.Options, CancellationToken.None).AsTask();
        clock.Advance(TimeSpan.FromSeconds(29));
        Assert.False(refused.IsCompleted);
        Assert.Equal(Connections, server.Layer.ConnectionCount);

        // They work as before, only with less at once.
        Task<long> download = TcpTraffic.ReceiveAsync(connections[1].Client.Input, 3);
        _ = TcpTraffic.SendAsync(connections[1].Server.Output, 1_000_000, 3);
        Task<long> upload = TcpTraffic.ReceiveAsync(connections[2].Server.Input, 4);
        _ = TcpTraffic.SendAsync(connections[2].Client.Output, 1_000_000, 4);
        Assert.True(clock.RunUntil(() => download.IsCompleted && upload.IsCompleted, TimeSpan.FromSeconds(10)));
        Assert.Equal((1_000_000, 1_000_000), (clock.Run(() => download, TcpPair.Minutes), clock.Run(() => upload, TcpPair.Minutes)));

        connections[0].Client.Abort();
        clock.Advance(TimeSpan.FromSeconds(31));
        Assert.True(refused.IsCompletedSuccessfully);

        foreach ((TcpSocket left, TcpSocket right) in connections)
        {
            left.Dispose();
            right.Dispose();
        }

        client.Dispose();
        clock.Advance(TimeSpan.FromMinutes(2));
        server.Dispose();
        Assert.Equal(0, budget.Used);
    }

    private static (TcpSocket Client, TcpSocket Server) Connect(VirtualClock clock, TcpHost client, TcpHost server, TcpListener listener) =>
        clock.Run(
            async () =>
            {
                ValueTask<TcpSocket?> accept = listener.AcceptAsync(CancellationToken.None);
                TcpSocket connected = await client.Layer.ConnectAsync(
                    client.Address, server.Address, 80, TcpPair.Options, CancellationToken.None);
                return (connected, (await accept)!);
            },
            TcpPair.Minutes);

    private static async Task ReadSomeAsync(TcpSocket socket, long count)
    {
        while (count > 0)
        {
            ReadResult read = await socket.Input.ReadAsync();
            count -= read.Buffer.Length;
            socket.Input.AdvanceTo(read.Buffer.End);
        }
    }
}
