using System.Diagnostics;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Tests;

/// <summary>Section 5 of the transport contract.</summary>
public class ListenerTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Rule_5_2_Bind_returns_at_once_while_the_network_is_down()
    {
        int port = FreePort.Tcp();
        await using var host = TestHost.Build(
            network: new FakeNetwork { ReadyOnJoin = false },
            builder: web => web.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port)));
        await host.App.StartAsync(Cancel).WaitAsync(TestHost.Limit, Cancel);
        using var sockets = new HttpClient();
        Assert.Equal("hello", await sockets.GetStringAsync($"http://127.0.0.1:{port}/", Cancel));
        Assert.Equal(ListenerState.Waiting, Assert.Single(host.Listeners.Listeners).State);
    }

    [Fact]
    public async Task Rule_4_4_Port_0_passes_over_ports_that_others_of_the_node_have()
    {
        await using var host = await TestHost.StartAsync();
        host.Server.TakenPorts = 3;
        await using var listener = await BindAsync(host, 0);
        int port = Assert.IsType<IPEndPoint>(listener.EndPoint).Port;
        Assert.Contains(host.Server.Listeners, l => l.EndPoint.Port == port);
        Assert.Equal(port, Assert.Single(host.Listeners.Listeners, l => l.Target.Port == 0).Port);

        // A port that was asked for is not replaced.
        host.Server.TakenPorts = 1;
        await Assert.ThrowsAsync<AddressInUseException>(async () => await BindAsync(host, 9005));
        Assert.DoesNotContain(host.Listeners.Listeners, l => l.Port == 9005);
    }

    [Fact]
    public async Task Rule_4_4_Ports_that_are_chosen_while_the_network_is_down_differ()
    {
        await using var host = await TestHost.StartAsync(network: new FakeNetwork { ReadyOnJoin = false });
        var listeners = new List<IConnectionListener>();
        for (int i = 0; i < 600; i++)
        {
            listeners.Add(await BindAsync(host, 0));
        }

        int[] ports = [.. listeners.Select(listener => ((Listener)listener).Port)];
        Assert.Equal(ports.Length, ports.Distinct().Count());
        Assert.All(ports, port => Assert.InRange(port, 49152, 65535));
        foreach (var listener in listeners)
        {
            await listener.DisposeAsync();
        }
    }

    [Fact]
    public async Task Rule_5_1_A_port_is_taken_although_the_network_is_down()
    {
        await using var host = await TestHost.StartAsync(network: new FakeNetwork { ReadyOnJoin = false });
        await using var first = await BindAsync(host, 9006);
        await Assert.ThrowsAsync<AddressInUseException>(async () => await BindAsync(host, 9006));
        await first.UnbindAsync(Cancel);
        await using var second = await BindAsync(host, 9006);
    }

    [Fact]
    public async Task Rule_5_2_RequireReadyWithin_fails_with_the_condition_that_is_not_met()
    {
        await using var host = TestHost.Build(
            zt => zt.Listen(8080).RequireReadyWithin = TimeSpan.FromMilliseconds(50), network: new FakeNetwork { ReadyOnJoin = false });
        var error = await Assert.ThrowsAsync<ZeroTierException>(() => host.App.StartAsync(Cancel).WaitAsync(TestHost.Limit, Cancel));
        Assert.Contains("ZeroTier:RequireReadyWithin is '00:00:00.0500000'", error.Message, StringComparison.Ordinal);
        Assert.Contains("network 8056c2e21c000001 is not ready", error.Message, StringComparison.Ordinal);
        Assert.Equal(ZeroTierNodeState.Disposed, host.Server.State);
    }

    [Fact]
    public async Task Rule_5_2_Cancelling_the_start_ends_the_wait_for_the_network()
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        await using var host = TestHost.Build(
            zt => zt.Listen(8080).RequireReadyWithin = TimeSpan.FromHours(1), network: new FakeNetwork { ReadyOnJoin = false });
        var start = host.App.StartAsync(stop.Token);
        await TestHost.EventuallyAsync(() => host.Server.Starts == 1, "node started");
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => start.WaitAsync(TestHost.Limit, Cancel));
    }

    [Fact]
    public async Task Rule_5_3_Accept_survives_whatever_the_engine_does()
    {
        await using var host = await TestHost.StartAsync();
        var engine = Assert.Single(host.Server.Listeners);
        engine.InjectAcceptFailure(new InvalidOperationException("engine fault"));
        await TestHost.EventuallyAsync(() => host.Server.Listens >= 2 && host.Server.Listeners.Count == 1, "attached again");
        Assert.Equal("hello", await host.GetAsync());

        // A connection that breaks while Kestrel takes it.
        engine = Assert.Single(host.Server.Listeners);
        engine.Offer(
            new FakeConnection(
                FakeNetwork.DefaultId,
                new IPEndPoint(host.Server.IPv4, 8080),
                new IPEndPoint(host.Client.IPv4, 1),
                host.Client.KnownId,
                engine.Options)
            { ThrowOnUse = true });
        host.Http.DefaultRequestHeaders.ConnectionClose = true;
        Assert.Equal("hello", await host.GetAsync());

        // One that was reset in the backlog.
        var reset = new FakeConnection(
            FakeNetwork.DefaultId,
            new IPEndPoint(host.Server.IPv4, 8080),
            new IPEndPoint(host.Client.IPv4, 2),
            host.Client.KnownId,
            engine.Options);
        reset.Break(new ZeroTierException(ZeroTierError.ConnectionReset, "reset during the handshake"));
        engine.Offer(reset);
        Assert.Equal("hello", await host.GetAsync());

        await host.Server.RestartAsync(Cancel);
        await TestHost.EventuallyAsync(() => host.Server.Listeners.Count == 1, "attached after the restart");
        Assert.Equal("hello", await host.GetAsync());
        Assert.Empty(host.Logs.AtLeast(LogLevel.Error));
    }

    [Fact]
    public async Task Rule_5_3_A_log_provider_that_throws_costs_nothing()
    {
        await using var host = await TestHost.StartAsync();
        host.Http.DefaultRequestHeaders.ConnectionClose = true;
        host.Logs.OnLine = line =>
        {
            if (line.Category is TransportLog.ServerCategory or NodeLog.Category)
            {
                throw new InvalidOperationException("The log provider failed.");
            }
        };
        Assert.Single(host.Server.Listeners).InjectAcceptFailure(new InvalidOperationException("engine fault"));
        await TestHost.EventuallyAsync(() => host.Server.Listens > 1 && host.Server.Listeners.Count == 1, "attached again");
        Assert.Equal("hello", await host.GetAsync());
        await TestHost.EventuallyAsync(() => host.Server.OpenConnections == 0, "every connection is let go");
        await host.App.StopAsync(Cancel).WaitAsync(TestHost.Limit, Cancel);
        Assert.Empty(host.Logs.AtLeast(LogLevel.Error));
    }

    [Fact]
    public async Task Rule_5_3_Accepts_that_keep_failing_are_tried_ever_later_until_one_succeeds()
    {
        var time = ObservedTime.Hurried;
        await using var host = await TestHost.StartAsync(builder: web => web.Services.AddSingleton<TimeProvider>(time));
        for (int failure = 0; failure < 5; failure++)
        {
            await FailAsync();
            double full = 250 * Math.Pow(2, failure);
            Assert.InRange(time.Due.Last().TotalMilliseconds, full / 2, full);
        }

        Assert.Equal("hello", await host.GetAsync());
        await FailAsync();
        Assert.InRange(time.Due.Last().TotalMilliseconds, 125, 250);

        // Each time is told, although the reason is the same.
        Assert.Equal(6, host.Logs.Lines.Count(line => line.Event.Name == "ListenerWaiting"));

        async Task FailAsync()
        {
            int listens = host.Server.Listens;
            Assert.Single(host.Server.Listeners).InjectAcceptFailure(new InvalidOperationException("engine fault"));
            await TestHost.EventuallyAsync(() => host.Server.Listens > listens && host.Server.Listeners.Count == 1, "attached again");
        }
    }

    [Fact]
    public async Task Rule_5_4_Attempts_to_attach_are_made_ever_later_until_one_succeeds()
    {
        var time = ObservedTime.Hurried;
        await using var host = TestHost.Build(builder: web => web.Services.AddSingleton<TimeProvider>(time));
        host.Server.ListenFailure = new ZeroTierException(ZeroTierError.NetworkUnavailable, "not usable now");
        await host.App.StartAsync(Cancel);
        await TestHost.EventuallyAsync(() => time.Due.Any(due => due > TimeSpan.FromSeconds(7)), "waits long");
        host.Server.ListenFailure = null;
        await TestHost.EventuallyAsync(() => host.Server.Listeners.Count == 1, "attached");
        Assert.Equal("hello", await host.GetAsync());

        int before = time.Due.Count;
        host.Server.SetReady(false);
        await TestHost.EventuallyAsync(() => time.Due.Count > before, "waits again");
        Assert.InRange(time.Due.ElementAt(before).TotalMilliseconds, 125, 250);
    }

    [Fact]
    public async Task Rule_5_4_Waiting_for_the_network_leaves_no_timer_behind_is_logged_once_and_ends_by_an_event()
    {
        var time = ObservedTime.Stopped;
        await using var host = await TestHost.StartAsync(
            builder: web => web.Services.AddSingleton<TimeProvider>(time), network: new FakeNetwork { ReadyOnJoin = false });
        for (int i = 0; i < 50; i++)
        {
            int timers = time.Due.Count;
            host.Server.SetOnline(i % 2 == 0);
            await TestHost.EventuallyAsync(() => time.Due.Count > timers, "looked again");
        }

        // The present one, and one that is just replaced.
        Assert.InRange(time.ActiveTimers, 1, 2);
        Assert.Single(host.Logs.Lines, line => line.Event.Name == "ListenerWaiting");

        host.Server.SetOnline(true);
        host.Server.SetReady(true);
        await TestHost.EventuallyAsync(() => host.Server.Listeners.Count == 1, "attached by the event");
        Assert.Equal("hello", await host.GetAsync());
    }

    [Fact]
    public async Task Rule_5_3_A_memory_pool_that_fails_costs_one_connection()
    {
        var pool = new FailingPool();
        await using var host = await TestHost.StartAsync(builder: web => web.Services.AddSingleton<IMemoryPoolFactory<byte>>(pool));
        host.Http.DefaultRequestHeaders.ConnectionClose = true;
        pool.Failures = 1;
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => host.GetAsync());
        Assert.Equal("hello", await host.GetAsync());
        Assert.DoesNotContain(
            host.Logs.Lines, line => line.Text.Contains("failed to accept any new connections", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Rule_5_4_Leave_and_rejoin_bring_the_same_listener_back()
    {
        await using var host = await TestHost.StartAsync();
        var before = Assert.Single(host.Listeners.Listeners);
        await host.Server.LeaveAsync(FakeNetwork.DefaultId, Cancel);
        await TestHost.EventuallyAsync(() => before.State == ListenerState.Waiting, "waiting");
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => host.GetAsync());
        await host.Server.JoinAsync(FakeNetwork.DefaultId, Cancel);
        await TestHost.EventuallyAsync(() => before.State == ListenerState.Attached, "attached");
        Assert.Equal("hello", await host.GetAsync());
        Assert.Same(before, Assert.Single(host.Listeners.Listeners));
    }

    [Fact]
    public async Task Rule_5_5_Unbind_releases_the_pending_accept_in_every_state()
    {
        await using var host = await TestHost.StartAsync();
        foreach (bool dead in (bool[])[false, true])
        {
            await using var listener = await BindAsync(host, dead ? 9002 : 9001);
            var accept = listener.AcceptAsync(Cancel).AsTask();
            if (dead)
            {
                host.Server.Listeners.Single(l => l.EndPoint.Port == 9002).DisposeFailure = new InvalidOperationException("engine is gone");
            }

            await listener.UnbindAsync(new CancellationToken(canceled: true));
            await listener.UnbindAsync(Cancel);
            Assert.Null(await accept.WaitAsync(TestHost.Limit, Cancel));
            Assert.Null(await listener.AcceptAsync(Cancel));
        }

        host.Server.SetReady(false);
        await using var waiting = await BindAsync(host, 9003);
        var pending = waiting.AcceptAsync(Cancel).AsTask();
        await waiting.UnbindAsync(Cancel);
        Assert.Null(await pending.WaitAsync(TestHost.Limit, Cancel));
        Assert.Empty(host.Logs.AtLeast(LogLevel.Error));
    }

    [Fact]
    public async Task Rule_5_5_Unbind_with_an_engine_that_is_stuck_ends()
    {
        var time = ObservedTime.Hurried;
        await using var host = await TestHost.StartAsync(builder: web => web.Services.AddSingleton<TimeProvider>(time));
        var stuck = new TaskCompletionSource();
        Assert.Single(host.Server.Listeners).DisposeGate = stuck.Task;
        await host.App.StopAsync(Cancel).WaitAsync(TestHost.Limit, Cancel);
        Assert.Contains(TimeSpan.FromSeconds(5), time.Due);
        Assert.Contains(host.Logs.Lines, line => line.Event.Name == "CloseFailed");
        stuck.SetResult();
    }

    [Fact]
    public async Task Rule_5_2_A_network_that_goes_down_during_the_bind_is_waited_for()
    {
        await using var host = await TestHost.StartAsync();
        var gate = host.Server.ListenGate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var binding = BindAsync(host, 9005).AsTask();
        await TestHost.EventuallyAsync(() => host.Server.AtListenGate.Any(e => e.Port == 9005), "the engine is at it");
        host.Server.SetReady(false);
        host.Server.ListenGate = null;
        gate.SetResult();

        await using var listener = await binding.WaitAsync(TestHost.Limit, Cancel);
        Assert.Equal(new IPEndPoint(host.Server.IPv4, 9005), listener.EndPoint);
        var accept = listener.AcceptAsync(Cancel).AsTask();
        host.Server.SetReady(true);
        await TestHost.EventuallyAsync(() => host.Server.Listeners.Any(l => l.EndPoint.Port == 9005), "attached");
        await listener.UnbindAsync(Cancel);
        Assert.Null(await accept.WaitAsync(TestHost.Limit, Cancel));
    }

    [Fact]
    public async Task Rule_5_5_Unbind_while_the_engine_begins_to_listen_leaves_no_port_behind()
    {
        await using var host = await TestHost.StartAsync();
        host.Server.SetReady(false);
        await using var listener = await BindAsync(host, 9004);
        var accept = listener.AcceptAsync(Cancel).AsTask();
        var gate = host.Server.ListenGate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        host.Server.SetReady(true);
        await TestHost.EventuallyAsync(() => host.Server.AtListenGate.Any(e => e.Port == 9004), "the engine is at it");
        await listener.UnbindAsync(Cancel);
        host.Server.ListenGate = null;
        gate.SetResult();

        Assert.Null(await accept.WaitAsync(TestHost.Limit, Cancel));
        Assert.DoesNotContain(host.Server.Listeners, l => l.EndPoint.Port == 9004);
        Assert.DoesNotContain(
            host.Logs.Lines, line => line.Event.Name == "ListenerAttached" && line.Text.Contains(":9004", StringComparison.Ordinal));
        await using var again = await BindAsync(host, 9004);
        Assert.Contains(host.Server.Listeners, l => l.EndPoint.Port == 9004);
    }

    [Fact]
    public async Task Rule_5_5_Unbound_is_final_although_the_engine_ends_its_accept_by_the_close_only()
    {
        await using var host = await TestHost.StartAsync();
        await using var listener = await BindAsync(host, 9007);
        host.Server.Listeners.Single(l => l.EndPoint.Port == 9007).IgnoresTokens = true;
        var accept = listener.AcceptAsync(Cancel).AsTask();
        await listener.UnbindAsync(Cancel);
        Assert.Null(await accept.WaitAsync(TestHost.Limit, Cancel));
        Assert.Equal(ListenerState.Unbound, ((Listener)listener).State);
        Assert.DoesNotContain(host.Logs.Lines, line => line.Event.Name == "ListenerWaiting");
    }

    [Fact]
    public async Task Rule_5_5_Shutdown_does_not_wait_for_the_accept_loop()
    {
        await using var host = await TestHost.StartAsync();
        var clock = Stopwatch.StartNew();
        await host.App.StopAsync(Cancel).WaitAsync(TestHost.Limit, Cancel);
        Assert.True(clock.Elapsed < TestHost.Limit);
        Assert.Empty(host.Server.Listeners);
    }

    [Fact]
    public async Task Rule_5_6_Unbind_keeps_connections_and_resets_the_backlog()
    {
        await using var host = await TestHost.StartAsync();
        var listener = await BindAsync(host, 9001);
        var first = await host.Client.ConnectAsync(
            new ZeroTierEndPoint(FakeNetwork.DefaultId, host.Server.IPv4, 9001), cancellationToken: Cancel);
        await using var accepted = await listener.AcceptAsync(Cancel);
        var waiting = await host.Client.ConnectAsync(
            new ZeroTierEndPoint(FakeNetwork.DefaultId, host.Server.IPv4, 9001), cancellationToken: Cancel);
        await listener.UnbindAsync(Cancel);
        Assert.Equal(ZeroTierError.ConnectionReset, (await waiting.ReceiveEnded.WaitAsync(TestHost.Limit, Cancel))!.Error);
        await accepted!.Transport.Output.WriteAsync(new byte[] { 42 }, Cancel);
        var read = await first.Input.ReadAsync(Cancel);
        Assert.Equal(42, read.Buffer.FirstSpan[0]);
        await listener.DisposeAsync();
    }

    [Fact]
    public async Task Rule_5_7_Dispose_frees_the_port_again_and_again()
    {
        await using var host = await TestHost.StartAsync();
        for (int i = 0; i < 200; i++)
        {
            var listener = await BindAsync(host, 9001);
            await listener.DisposeAsync();
            await listener.DisposeAsync();
        }

        Assert.Single(host.Server.Listeners);
    }

    [Fact]
    public async Task Rule_5_9_A_foreign_network_fails_at_the_bind()
    {
        await using var host = TestHost.Build(
            builder: web => web.WebHost.ConfigureKestrel(
                kestrel => kestrel.Listen(new ZeroTierEndPoint(NetworkId.Parse("1234567890abcdef"), 80))));
        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => host.App.StartAsync(Cancel));
        Assert.Contains("zt.Networks.Add(\"1234567890abcdef\")", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ZeroTierError.NotPermitted)]
    [InlineData(ZeroTierError.NotSupported)]
    public async Task Rule_5_9_A_port_that_the_network_forbids_fails_at_the_bind(ZeroTierError kind)
    {
        await using var host = TestHost.Build();
        host.Server.ListenFailure = new ZeroTierException(kind, "The network allows ports 1 to 1023 only.");
        var error = await Assert.ThrowsAsync<ZeroTierException>(() => host.App.StartAsync(Cancel));
        Assert.Contains("1 to 1023", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rule_5_11_Accept_with_the_callers_token_throws_and_the_listener_goes_on()
    {
        await using var host = await TestHost.StartAsync();
        await using var listener = await BindAsync(host, 9001);
        using var mine = new CancellationTokenSource();
        var accept = listener.AcceptAsync(mine.Token).AsTask();
        await mine.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => accept);
        await host.Client.ConnectAsync(new ZeroTierEndPoint(FakeNetwork.DefaultId, host.Server.IPv4, 9001), cancellationToken: Cancel);
        await using var accepted = await listener.AcceptAsync(Cancel);
        Assert.NotNull(accepted);
    }

    [Fact]
    public async Task Rule_5_11_Many_parallel_connections_are_served()
    {
        await using var host = await TestHost.StartAsync();
        host.Http.DefaultRequestHeaders.ConnectionClose = true;
        string[] answers = await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => host.GetAsync()));
        Assert.All(answers, answer => Assert.Equal("hello", answer));
        await TestHost.EventuallyAsync(() => host.Server.OpenConnections == 0, "all connections over");
    }

    private static ValueTask<IConnectionListener> BindAsync(TestHost host, int port) =>
        host.App.Services.GetServices<IConnectionListenerFactory>().OfType<ListenerFactory>().Single().BindAsync(
            new ZeroTierEndPoint(FakeNetwork.DefaultId, port), Cancel);

    private sealed class FailingPool : System.Buffers.MemoryPool<byte>, IMemoryPoolFactory<byte>
    {
        private int _failures;

        public int Failures
        {
            set => Volatile.Write(ref _failures, value);
        }

        public override int MaxBufferSize => 4096;

        public System.Buffers.MemoryPool<byte> Create(MemoryPoolOptions? options = null) => this;

        public override System.Buffers.IMemoryOwner<byte> Rent(int minBufferSize = -1) =>
            Interlocked.Decrement(ref _failures) >= 0 ? throw new OutOfMemoryException("pool exhausted") : Shared.Rent(minBufferSize);

        protected override void Dispose(bool disposing)
        {
        }
    }
}
