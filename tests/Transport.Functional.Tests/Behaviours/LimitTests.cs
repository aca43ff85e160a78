namespace Transport.Functional.Tests.Behaviours;

/// <summary>Kestrel's limits of rate, time and number, seen from the wire (rule 10.5).</summary>
public abstract class LimitTests(FunctionalTransport transport)
{
    private const string Get = "GET / HTTP/1.1\r\nHost: test\r\n\r\n";

    // The shortest that Kestrel accepts is a little above its heartbeat of one second.
    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(1.1);

    [Fact]
    public async Task Rule_10_5_An_upload_that_stalls_is_answered_with_408_and_ends()
    {
        await using var server = await FunctionalServer.StartAsync(
            transport, context => context.Request.Body.CopyToAsync(Stream.Null), options =>
                options.Kestrel = kestrel => kestrel.Limits.MinRequestBodyDataRate = new MinDataRate(240, s_grace));
        await using var client = await server.ConnectAsync();
        await client.SendAsync("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 100\r\n\r\nonly this");
        Assert.Equal(408, (await client.ReadResponseAsync()).Status);
        Assert.Equal(("", Ending.Fin), await client.ReadToEndAsync());
    }

    [Fact]
    public async Task Rule_10_5_An_upload_that_stalls_without_the_limit_goes_on()
    {
        await using var server = await FunctionalServer.StartAsync(
            transport, async context => await context.Response.WriteAsync(await Pattern.HashAsync(context.Request.Body)), options =>
                options.Kestrel = kestrel => kestrel.Limits.MinRequestBodyDataRate = null);
        await using var client = await server.ConnectAsync();
        byte[] body = Pattern.Bytes(100);
        await client.SendAsync("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 100\r\n\r\n");
        await client.SendAsync(body.AsMemory(0, 50));
        await Task.Delay(TimeSpan.FromSeconds(3));
        await client.SendAsync(body.AsMemory(50));
        Assert.Equal(Pattern.Hash(100), (await client.ReadResponseAsync()).Body);
    }

    [Fact]
    public async Task Rule_10_5_A_download_that_nobody_reads_is_reset()
    {
        await using var server = await FunctionalServer.StartAsync(
            transport,
            async context =>
            {
                byte[] bytes = new byte[64 * 1024];
                while (!context.RequestAborted.IsCancellationRequested)
                {
                    await context.Response.Body.WriteAsync(bytes);
                }
            },
            options => options.Kestrel = kestrel => kestrel.Limits.MinResponseDataRate = new MinDataRate(1_000_000_000, s_grace));
        await using var client = await server.ConnectAsync();
        await client.SendAsync(Get);
        await Wait.UntilAsync(
            () => server.Logs.Lines.Any(line => line.Event.Name == "ResponseMinimumDataRateNotSatisfied"), "the rate was found too low");
        Assert.Equal(Ending.Reset, (await client.ReadToEndAsync()).Ending);
        await Wait.UntilAsync(() => server.Blocks.Rented == 0, "every block came back");
    }

    [Fact]
    public async Task An_idle_connection_ends_after_the_keep_alive_timeout()
    {
        await using var server = await FunctionalServer.StartAsync(transport, _ => Task.CompletedTask, options =>
            options.Kestrel = kestrel => kestrel.Limits.KeepAliveTimeout = TimeSpan.FromSeconds(1));
        await using var client = await server.ConnectAsync();
        await client.SendAsync(Get);
        await client.ReadResponseAsync();
        Assert.Equal(("", Ending.Fin), await client.ReadToEndAsync());
    }

    [Fact]
    public async Task A_head_that_never_ends_is_answered_with_408()
    {
        await using var server = await FunctionalServer.StartAsync(transport, _ => Task.CompletedTask, options =>
            options.Kestrel = kestrel => kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(1));
        await using var client = await server.ConnectAsync();
        await client.SendAsync("GET / HTTP/1.1\r\nHost: test\r\n");
        Assert.Equal(408, (await client.ReadResponseAsync()).Status);
        Assert.Equal(("", Ending.Fin), await client.ReadToEndAsync());
    }

    [Fact]
    public async Task Above_MaxConcurrentConnections_a_connection_is_closed_and_a_place_becomes_free_again()
    {
        await using var server = await FunctionalServer.StartAsync(transport, context => context.Response.WriteAsync("served"), options =>
            options.Kestrel = kestrel => kestrel.Limits.MaxConcurrentConnections = 1);
        await using (var first = await server.ConnectAsync())
        {
            await first.SendAsync(Get);
            Assert.Equal("served", (await first.ReadResponseAsync()).Body);
            await using var second = await server.ConnectAsync();
            Assert.Equal("", (await second.ReadToEndAsync()).Text);
            await first.SendAsync(Get);
            Assert.Equal("served", (await first.ReadResponseAsync()).Body);
        }

        await Wait.UntilAsync(() => server.Logs.Lines.Count(line => line.Event.Name == "ConnectionStop") == 2, "both connections ended");
        await using var third = await server.ConnectAsync();
        await third.SendAsync(Get);
        Assert.Equal("served", (await third.ReadResponseAsync()).Body);
    }
}
