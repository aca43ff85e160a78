using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Tests.Engines;

/// <summary>Section 5, and 4.4. The names of 5.11 are those of the in-box listener tests.</summary>
public abstract partial class EngineRules<TEngine>
{
    [Fact]
    public async Task Rule_4_4_Two_listeners_on_port_0_differ_and_both_answer()
    {
        await using var host = await StartHostAsync(zt => zt.Listen(0).Listen(0));
        int[] ports = [.. host.App.Urls.Select(url => new Uri(url).Port)];
        Assert.Equal(2, ports.Distinct().Count());
        Assert.All(ports, port => Assert.InRange(port, 1, 65535));
        Assert.Equal("hello", await host.GetAsync(ports[0]));
        Assert.Equal("hello", await host.GetAsync(ports[1]));
    }

    [Fact]
    public async Task Rule_5_1_A_port_that_the_engine_has_given_away_fails_the_start_and_the_other_port_is_free_again()
    {
        await using var taken = await Listen(Port + 1);
        await using var host = await StartHostAsync(zt => zt.Listen(Port).Listen(Port + 1), start: false);
        var error = await Assert.ThrowsAsync<IOException>(() => Bounded(host.App.StartAsync(Token)));
        Assert.IsType<AddressInUseException>(error.InnerException);
        await using var free = await Listen(Port);
        Assert.Equal(Port, free.EndPoint.Port);
        Assert.Empty(host.Registry.Listeners);
    }

    [Fact]
    public async Task Rule_5_3_One_pending_accept_lives_through_reset_restart_and_leave()
    {
        await using var host = await StartHostAsync(zt => zt.Listen(Port));
        await using var listener = await host.BindAsync(9001, Token);
        var accept = listener.AcceptAsync(Token).AsTask();
        await Bounded(Server.RestartAsync(Token));
        await Bounded(Server.WaitForNetworkAsync(Network, Token));
        await Bounded(Server.LeaveAsync(Network, Token));
        await EventuallyAsync(() => ((Listener)listener).State == ListenerState.Waiting, "the end of the old listener is seen");
        await Bounded(Server.JoinAsync(Network, Token));
        await EventuallyAsync(() => ((Listener)listener).State == ListenerState.Attached, "attached again");
        Assert.False(accept.IsCompleted);
        await EventuallyReachableAsync();

        // One that is gone as soon as it is accepted. Not before: a reset that overtakes the handshake's end, which may be lost, leaves
        // nothing to accept.
        var gone = await DialAsync(9001);
        await using var accepted = await Bounded(accept);
        gone.Abort();
        await Assert.ThrowsAsync<ConnectionResetException>(() => Bounded(accepted!.Transport.Input.ReadAsync(Token)));
        var second = listener.AcceptAsync(Token).AsTask();
        await using var client = await DialAsync(9001);
        await using var served = await Bounded(second);
        await Send(client, new byte[] { 42 });
        Assert.Equal(42, (await Bounded(served!.Transport.Input.ReadAsync(Token))).Buffer.FirstSpan[0]);
        Assert.Empty(host.Logs.AtLeast(LogLevel.Error));
    }

    [Fact]
    public async Task Rule_5_4_The_same_listener_serves_after_leave_rejoin_and_restart_and_health_is_honest_in_between()
    {
        await using var host = await StartHostAsync();

        // A client may use a kept connection once more before it has seen that the server has reset it.
        host.Http.DefaultRequestHeaders.ConnectionClose = true;
        await EventuallyHealthyAsync(host);
        Assert.Equal("hello", await host.GetAsync());
        var before = Assert.Single(host.Registry.Listeners);

        await Bounded(Server.LeaveAsync(Network, Token));
        await EventuallyAsync(() => before.State == ListenerState.Waiting, "waiting");
        Assert.Equal(HealthStatus.Unhealthy, await host.HealthAsync());
        await Bounded(Server.JoinAsync(Network, Token));
        await EventuallyAsync(() => before.State == ListenerState.Attached, "attached after the rejoin");
        await EventuallyReachableAsync();
        Assert.Equal("hello", await host.GetAsync());

        await Bounded(Server.StopAsync(Token));
        await EventuallyAsync(() => before.State == ListenerState.Waiting, "waiting");
        Assert.NotEqual(HealthStatus.Healthy, await host.HealthAsync());
        await Bounded(Server.StartAsync(Token));
        await EventuallyAsync(() => before.State == ListenerState.Attached, "attached after the restart");
        await EventuallyReachableAsync();
        Assert.Equal("hello", await host.GetAsync());
        await EventuallyHealthyAsync(host);
        Assert.Same(before, Assert.Single(host.Registry.Listeners));
        Assert.Empty(host.Logs.AtLeast(LogLevel.Error));
    }

    [Fact]
    public async Task Rule_5_5_Unbind_with_a_dead_engine_is_quiet()
    {
        await using var host = await StartHostAsync(zt => zt.Listen(Port));
        await using var listener = await host.BindAsync(9001, Token);
        var accept = listener.AcceptAsync(Token).AsTask();
        await Bounded(Server.DisposeAsync());
        await Bounded(listener.UnbindAsync(new CancellationToken(canceled: true)));
        await Bounded(listener.UnbindAsync(Token));
        Assert.Null(await Bounded(accept));
        await Bounded(host.App.StopAsync(Token));
        Assert.Empty(host.Logs.AtLeast(LogLevel.Error));
    }

    [Fact]
    public async Task Rule_5_6_A_streaming_response_goes_on_over_unbind_and_the_backlog_sees_a_reset()
    {
        await using var host = await StartHostAsync(zt => zt.Listen(Port));
        await using var listener = await host.BindAsync(9001, Token);
        await using var first = await DialAsync(9001);
        await using var accepted = await Bounded(listener.AcceptAsync(Token));
        await using var waiting = await DialAsync(9001);
        await accepted!.Transport.Output.WriteAsync(new byte[] { 1 }, Token);
        Assert.Equal([1], await Receive(first, 1));
        await Bounded(listener.UnbindAsync(Token));
        Assert.Equal(ZeroTierError.ConnectionReset, (await Bounded(waiting.ReceiveEnded))!.Error);
        await accepted.Transport.Output.WriteAsync(new byte[] { 2, 3 }, Token);
        Assert.Equal([2, 3], await Receive(first, 2));
    }

    [Fact]
    public async Task Rule_6_11_Dispose_does_not_wait_for_a_peer_that_reads_nothing_yet_and_loses_nothing()
    {
        await using var host = await StartHostAsync(zt => zt.Listen(Port));
        await using var listener = await host.BindAsync(9001, Token);
        await using var client = await DialAsync(9001);
        var served = (await Bounded(listener.AcceptAsync(Token)))!;
        byte[] data = RandomNumberGenerator.GetBytes(8_000_000);
        var writing = served.Transport.Output.WriteAsync(data, Token).AsTask();
        Assert.False(writing.IsCompleted);

        await Bounded(served.DisposeAsync());

        Assert.Equal(data, await Receive(client, data.Length));
        Assert.True((await Bounded(client.Input.ReadAsync(Token))).IsCompleted);
        await Bounded(writing);
    }

    [Fact]
    public async Task Rule_5_7_Bind_and_dispose_in_a_loop_free_the_port_without_an_unbind()
    {
        await using var host = await StartHostAsync(zt => zt.Listen(Port));
        for (int i = 0; i < 50; i++)
        {
            var listener = await host.BindAsync(9001, Token);
            var accept = listener.AcceptAsync(Token).AsTask();
            await Bounded(listener.DisposeAsync());
            Assert.Null(await Bounded(accept));
        }

        await using var last = await Listen(9001);
    }

    [Fact]
    public async Task Rule_5_11_AcceptAsync_AfterUnbind_ReturnsNull()
    {
        await using var host = await StartHostAsync(zt => zt.Listen(Port));
        await using var listener = await host.BindAsync(9001, Token);
        await listener.UnbindAsync(Token);
        Assert.Null(await Bounded(listener.AcceptAsync(Token)));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Rule_5_11_AcceptAsync_UnbindOrDisposeWhilePending_EndsCleanly(bool unbind)
    {
        await using var host = await StartHostAsync(zt => zt.Listen(Port));
        var listener = await host.BindAsync(9001, Token);
        var accept = listener.AcceptAsync(Token).AsTask();
        await Bounded(unbind ? listener.UnbindAsync(Token) : listener.DisposeAsync());
        Assert.Null(await Bounded(accept));
        await Bounded(listener.DisposeAsync());
        Assert.Empty(host.Logs.AtLeast(LogLevel.Error));
    }

    [Fact]
    public async Task Rule_5_11_AcceptAsync_ClientCreatesConnection_BytesGoBothWays()
    {
        await using var host = await StartHostAsync(zt => zt.Listen(Port));
        await using var listener = await host.BindAsync(9001, Token);
        await using var client = await DialAsync(9001);
        await using var server = await Bounded(listener.AcceptAsync(Token));
        await Send(client, new byte[] { 1, 2, 3 });
        Assert.Equal(3, (await Bounded(server!.Transport.Input.ReadAtLeastAsync(3, Token))).Buffer.Length);
        await server.Transport.Output.WriteAsync(new byte[] { 4, 5 }, Token);
        Assert.Equal([4, 5], await Receive(client, 2));
    }

    [Fact]
    public async Task Rule_5_11_AcceptAsync_ParallelConnections_AllAreServed()
    {
        const int Count = 50;
        await using var host = await StartHostAsync(zt => zt.Listen(Port));
        await using var listener = await host.BindAsync(9001, Token);
        var clients = Task.WhenAll(Enumerable.Range(0, Count).Select(_ => DialAsync(9001)));
        var servers = new List<ConnectionContext>();
        for (int i = 0; i < Count; i++)
        {
            servers.Add((await Bounded(listener.AcceptAsync(Token)))!);
        }

        Assert.Equal(
            (await clients).Select(c => c.LocalEndPoint.ToString()).Order(), servers.Select(s => s.RemoteEndPoint!.ToString()).Order());
        Assert.Equal(Count, servers.Select(s => s.ConnectionId).Distinct().Count());
        foreach (var server in servers)
        {
            await Bounded(server.DisposeAsync());
        }

        foreach (var client in await clients)
        {
            await Bounded(client.DisposeAsync());
        }
    }

    [Fact]
    public async Task Rule_5_11_BindAsync_TwoListenersOnOnePort_TheSecondFailsAndTheFirstGoesOn()
    {
        await using var host = await StartHostAsync(zt => zt.Listen(Port));
        await using var first = await host.BindAsync(9001, Token);
        await Assert.ThrowsAsync<AddressInUseException>(() => Bounded(host.BindAsync(9001, Token)));
        await using var client = await DialAsync(9001);
        await using var server = await Bounded(first.AcceptAsync(Token));
        Assert.NotNull(server);
    }

    [Fact]
    public async Task Rule_5_11_DisposeAsync_TheFirstOfTwo_LeavesTheOther()
    {
        await using var host = await StartHostAsync(zt => zt.Listen(Port));
        var first = await host.BindAsync(9001, Token);
        await using var second = await host.BindAsync(9002, Token);
        await Bounded(first.DisposeAsync());
        await using var client = await DialAsync(9002);
        await using var server = await Bounded(second.AcceptAsync(Token));
        Assert.NotNull(server);
        await using var again = await host.BindAsync(9001, Token);
    }

    [Fact]
    public async Task Rule_5_11_AcceptAsync_ClientIsGoneBefore_TheNextOneIsServed()
    {
        await using var host = await StartHostAsync();
        for (int i = 0; i < 20; i++)
        {
            (await DialAsync()).Abort();
        }

        Assert.Equal("hello", await host.GetAsync());
        Assert.Empty(host.Logs.AtLeast(LogLevel.Error));
    }

    [Fact]
    public async Task Rule_8_3_A_request_longer_than_the_timeout_is_reset_and_the_stop_ends()
    {
        var release = new TaskCompletionSource();
        await using var host = await StartHostAsync(
            builder: web => web.Services.Configure<Microsoft.Extensions.Hosting.HostOptions>(
                o => o.ShutdownTimeout = TimeSpan.FromMilliseconds(300)));
        host.App.MapGet("/slow", async (HttpContext context) =>
        {
            await context.Response.WriteAsync("begun");
            await context.Response.Body.FlushAsync();
            await release.Task;
        });
        await using var client = await DialAsync();
        await Send(client, "GET /slow HTTP/1.1\r\nHost: test\r\n\r\n"u8.ToArray());
        await Bounded(client.Input.ReadAsync(Token));
        await Bounded(host.App.StopAsync(Token));
        Assert.Equal(ZeroTierError.ConnectionReset, (await Bounded(client.ReceiveEnded))!.Error);
        release.SetResult();
    }

    [Fact]
    public async Task Rule_2_Abort_and_dispose_may_race_on_real_connections()
    {
        await using var host = await StartHostAsync(zt => zt.Listen(Port));
        await using var listener = await host.BindAsync(9001, Token);
        for (int i = 0; i < 200; i++)
        {
            await using var client = await DialAsync(9001);
            var server = (await Bounded(listener.AcceptAsync(Token)))!;
            await Bounded(Task.WhenAll(
                Task.Run(() => server.Abort(new ConnectionAbortedException("race")), Token),
                Task.Run(async () => await server.DisposeAsync(), Token)));
        }
    }

    private async Task EventuallyHealthyAsync(EngineHost host)
    {
        var status = HealthStatus.Unhealthy;
        for (int i = 0; i < 1000 && (status = await host.HealthAsync()) != HealthStatus.Healthy; i++)
        {
            await Task.Delay(20, Token);
        }

        Assert.Equal(HealthStatus.Healthy, status);
    }

    /// <summary>After a restart or a rejoin the nodes have to find each other again before a test may time anything.</summary>
    private async Task EventuallyReachableAsync()
    {
        await Bounded(Server.WaitForOnlineAsync(Token));
        await Bounded(ProbeAsync());
    }

    private async Task ProbeAsync()
    {
        while (true)
        {
            try
            {
                await using var connection = await Client.ConnectAsync(On(Server, Port), Token);
                return;
            }
            catch (ZeroTierException exception)
                when (exception.Error is ZeroTierError.ConnectionRefused or ZeroTierError.ConnectionReset or ZeroTierError.TimedOut)
            {
                await Task.Delay(20, Token);
            }
        }
    }
}
