using Microsoft.AspNetCore.Server.Kestrel.Core;
using ZeroTier;

namespace EndToEnd.Tests;

/// <summary>A client that vanishes in mid-transfer, without FIN or RST.</summary>
public sealed class KilledClientTests(LoopbackUniverse universe) : IClassFixture<LoopbackUniverse>
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Client_killed_in_mid_transfer_the_server_side_ends_and_everything_returns_to_zero(bool download)
    {
        await using var host = await WebHost.StartAsync(
            universe,
            kestrel: options =>
            {
                options.Limits.MinResponseDataRate = new MinDataRate(1000, TimeSpan.FromSeconds(2));

                // With Kestrel's own limit the server would answer 408 first, and that answer waits for its acknowledgement as long as TCP
                // does.
                options.Limits.MinRequestBodyDataRate = null;
            },
            cancellationToken: Cancel);
        MutedTransport? transport = null;
        var victim = await universe.StartNodeAsync(() => transport = new MutedTransport());

        // What the first stranger and the first request bring about once does not count.
        using (var first = new HttpClient(new ZeroTierHttpHandler(victim)))
        {
            await first.GetStringAsync(host.Url("/"), Cancel);
        }

        await EventuallyAsync(() => host.Pool.Rented == 0 && host.Node.GetStatistics().TcpConnections == 0, "nothing in use before");
        int timers = host.Clock.ActiveTimers;
        using var http = new HttpClient(new ZeroTierHttpHandler(victim));
        if (download)
        {
            var body = await http.GetStreamAsync(host.Url("/stream?bytes=10000000000"), Cancel);
            await body.ReadExactlyAsync(new byte[1_000_000], Cancel);
            Assert.Equal(1, host.Node.GetStatistics().TcpConnections);
            transport!.Dead = true;
        }
        else
        {
            var content = new EndlessContent();
            _ = http.PostAsync(host.Url("/sink"), content, CancellationToken.None).ContinueWith(_ => { }, TaskScheduler.Default);
            await content.Sent.Task.WaitAsync(Limit, Cancel);
            transport!.Dead = true;
        }

        await EventuallyAsync(() => host.Node.GetStatistics().TcpConnections == 0, "the connection ended");
        await EventuallyAsync(() => host.Pool.Rented == 0, "all blocks returned");
        await EventuallyAsync(() => host.Clock.ActiveTimers <= timers, "all timers gone");

        // And others are served as before.
        using var other = new HttpClient(new ZeroTierHttpHandler(universe.Client));
        Assert.StartsWith("HTTP/1.1", await other.GetStringAsync(host.Url("/"), Cancel), StringComparison.Ordinal);
    }

    private static async Task EventuallyAsync(Func<bool> condition, string what)
    {
        using var limit = new CancellationTokenSource(Limit);
        while (!condition())
        {
            if (limit.IsCancellationRequested)
            {
                Assert.Fail($"Did not happen: {what}");
            }

            await Task.Delay(50, CancellationToken.None);
        }
    }

    private sealed class EndlessContent : HttpContent
    {
        public TaskCompletionSource Sent { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        protected override async Task SerializeToStreamAsync(Stream stream, System.Net.TransportContext? context)
        {
            byte[] buffer = new byte[64 * 1024];
            for (int i = 0; ; i++)
            {
                await stream.WriteAsync(buffer);
                if (i == 16)
                {
                    Sent.TrySetResult();
                }
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
