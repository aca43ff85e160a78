using System.Globalization;
using ZeroTier.Managed.IpStack.Tcp;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.IpStack.Tcp;

/// <summary>Seeded runs over a bad path. ZT_SEEDS sets their number.</summary>
public sealed class TcpPropertyTests
{
    private static readonly int Seeds = int.Parse(Environment.GetEnvironmentVariable("ZT_SEEDS") ?? "500", CultureInfo.InvariantCulture);

    [Fact]
    public void Streams_over_loss_reordering_duplication_corruption_and_partitions_arrive_intact_or_both_ends_learn_of_the_error()
    {
        int errors = 0;
        for (int seed = 1; seed <= Seeds; seed++)
        {
            try
            {
                errors += RunSeed((ulong)seed).Failed ? 1 : 0;
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"Seed {seed}: {e.Message}", e);
            }
        }

        // Errors are allowed, but a path that heals must not be the rule for them.
        Assert.True(errors <= Seeds / 10, $"{errors} of {Seeds} runs ended with an error.");
    }

    [Theory]
    [InlineData(7)]
    [InlineData(42)]
    [InlineData(123)]
    public void Run_same_seed_same_trace(ulong seed)
    {
        Assert.Equal(RunSeed(seed).Trace, RunSeed(seed).Trace);
        Assert.NotEqual(RunSeed(seed).Trace, RunSeed(seed + 1).Trace);
    }

    private static (bool Failed, ulong Trace) RunSeed(ulong seed)
    {
        var random = new SeededRandom(seed * 977);
        using var pair = new TcpPair(seed, ipv6: seed % 2 == 0);
        TcpLinkConditions conditions = pair.Link.Conditions;
        conditions.Delay = TimeSpan.FromMilliseconds(1 + random.Next(60));
        conditions.Loss = random.Next(4) == 0 ? 0 : random.NextDouble() * 0.3;
        conditions.Reorder = random.Next(2) == 0 ? 0 : random.NextDouble() * 0.5;
        conditions.Duplicate = random.Next(2) == 0 ? 0 : random.NextDouble() * 0.1;
        conditions.Corrupt = random.Next(2) == 0 ? 0 : random.NextDouble() * 0.05;
        conditions.Bandwidth = random.Next(2) == 0 ? 0 : 200_000 + random.Next(5_000_000);
        var serverEnd = new End();
        var clientEnd = new End();
        TcpSocketOptions client = Vary(random) with { Observer = clientEnd };
        TcpSocketOptions server = Vary(random) with { Observer = serverEnd };
        int least = seed % 8 == 0 ? 300_000 : 0;
        int up = least + random.Next(80_000);
        int down = least + random.Next(80_000);
        if (random.Next(4) == 0)
        {
            // A partition, which sometimes outlasts the patience of both.
            TimeSpan begin = TimeSpan.FromMilliseconds(random.Next(3000));
            TimeSpan length = TimeSpan.FromSeconds(random.Next(8) == 0 ? 300 : 1 + random.Next(20));
            pair.Clock.Schedule(begin, () => conditions.Cut = true);
            pair.Clock.Schedule(begin + length, () => conditions.Cut = false);
        }

        using TcpListener listener = pair.B.Layer.Listen(null, 80, new TcpListenOptions { Socket = server });
        ValueTask<TcpSocket?> accept = default;
        pair.Clock.Run(
            async () =>
            {
                accept = listener.AcceptAsync(CancellationToken.None);
                Task accepted = AcceptAsync(accept, serverEnd, down, up);
                try
                {
                    TcpSocket socket = await pair.A.Layer.ConnectAsync(pair.A.Address, pair.B.Address, 80, client, CancellationToken.None);
                    await clientEnd.RunAsync(socket, up, 1, down, 2);
                }
                catch (TcpException)
                {
                    clientEnd.Failed = true;
                }

                // Whoever was not accepted by now never will be.
                listener.Dispose();

                await accepted;
            },
            TcpPair.Minutes);

        conditions.Cut = false;
        listener.Dispose();
        pair.Clock.Advance(TimeSpan.FromMinutes(5));
        pair.A.AssertClean();
        pair.B.AssertClean();
        if (clientEnd.Received != down || serverEnd.Received != up)
        {
            // Nobody is left in the belief that all is well. An end that never had a connection has nothing to learn; one that has all
            // bytes and misses only the last acknowledgement may learn of an error alone.
            Assert.True(
                clientEnd.Failed,
                $"The client does not know: it has {clientEnd.Received} of {down}, the server {serverEnd.Received} of {up} bytes.");
            Assert.True(
                serverEnd.Failed || !serverEnd.Started,
                $"The server does not know: it has {serverEnd.Received} of {up}, the client {clientEnd.Received} of {down} bytes.");
        }

        return (clientEnd.Failed || serverEnd.Failed, pair.Link.Trace);

        async Task AcceptAsync(ValueTask<TcpSocket?> pending, End end, int send, int receive)
        {
            if (await pending is { } socket)
            {
                await end.RunAsync(socket, send, 2, receive, 1);
            }
        }
    }

    private static TcpSocketOptions Vary(SeededRandom random) => TcpPair.Options with
    {
        ReceiveWindow = 4096 << random.Next(9),
        SelectiveAck = random.Next(4) != 0,
        Timestamps = random.Next(4) != 0,
        Input = TcpPair.InlinePipe(4096 << random.Next(6)),
        KeepAliveTime = TimeSpan.FromSeconds(30),
    };

    /// <summary>
    /// An application. It has closed when both of its streams are written and read; what happens to the connection then, its observer
    /// hears.
    /// </summary>
    private sealed class End : ITcpSocketObserver
    {
        public bool Started { get; private set; }

        public bool Failed { get; set; }

        public long Received { get; private set; }

        public async Task RunAsync(TcpSocket socket, int send, int sendSalt, int receive, int receiveSalt)
        {
            Started = true;
            Task sending = TcpTraffic.SendAsync(socket.Output, send, sendSalt);
            try
            {
                Assert.Equal(receive, await TcpTraffic.ReceiveAsync(socket.Input, receiveSalt, position => Received = position));
            }
            catch (TcpException)
            {
                Failed = true;
            }

            try
            {
                await sending;
            }
            catch (TcpException)
            {
                Failed = true;
            }

            Failed |= await socket.ReceiveEnded is not null;
            Failed |= await socket.SendEnded is not null;
            socket.Dispose();
        }

        public void OnPaused(TcpSocket socket)
        {
        }

        public void OnResumed(TcpSocket socket)
        {
        }

        public void OnFinReceived(TcpSocket socket)
        {
        }

        public void OnFinSent(TcpSocket socket)
        {
        }

        public void OnResetReceived(TcpSocket socket) => Failed = true;

        public void OnResetSent(TcpSocket socket, TcpException reason) => Failed = true;
    }
}
