using Microsoft.Extensions.Logging;
using ZeroTier.LibztDouble;

namespace ZeroTier.Libzt.Tests.Failures;

/// <summary>Lives one after the other, nodes that end by themselves, and two that want to live at once.</summary>
public sealed class LifeFailureTests : FailureTest
{
    [Fact]
    public async Task Restart_twenty_times_identity_address_and_traffic_stay()
    {
        var server = await Up("stop_ms=200");
        var client = await Up();
        var address = On(server, 1).Address;
        var events = Record(server.Node);
        for (int i = 0; i < 20; i++)
        {
            await using var listener = await Listen(server);
            var (there, here) = await Connect(client, server, listener);

            await Bounded(server.Node.RestartAsync(Token));
            await Ready(server.Node);

            Assert.Equal(ZeroTierError.ConnectionReset, (await Bounded(there.ReceiveEnded))!.Error);
            Assert.Equal(address, On(server, 1).Address);
            await there.DisposeAsync();
            await here.DisposeAsync();
            await Echo(client, server);
        }

        await Until(() => events.Count(e => e.Code == ZeroTierEventCode.NetworkOk) == 20);
        Assert.Equal(20, events.Count(e => e.Code == ZeroTierEventCode.NodeUp));
        Assert.Equal(20, events.Count(e => e.Code == ZeroTierEventCode.NodeDown));
        Assert.Equal(20, events.Count(e => e.Code == ZeroTierEventCode.NodeOnline));
        Assert.DoesNotContain(events, e => e.Code is ZeroTierEventCode.NodeOffline or ZeroTierEventCode.NodeFatalError);
    }

    [Fact]
    public async Task Collision_fails_the_node_ends_everything_and_a_new_start_works()
    {
        var server = await Up();
        var client = await Up();
        var events = Record(server.Node);
        await using var listener = await Listen(server);
        await using var datagrams = await Bounded(server.Node.BindDatagramAsync(new ZeroTierEndPoint(Network, 0), Token));
        var (there, here) = await Connect(client, server, listener);
        var accepting = listener.AcceptAsync(Token);
        var receiving = datagrams.ReceiveFromAsync(new byte[10], Token).AsTask();
        var other = NetworkId.Parse("8056c2e21c000001");
        await Bounded(server.Node.JoinAsync(other, Token));
        var waiting = server.Node.WaitForNetworkAsync(other, Token);

        server.Control.Configure("collision=1");

        Assert.Null(await Bounded(accepting));
        await Assert.ThrowsAsync<ZeroTierException>(() => Bounded(receiving));
        Assert.NotNull(await Bounded(here.ReceiveEnded));
        Assert.NotNull(await Bounded(there.ReceiveEnded));
        await Fails(ZeroTierError.Fatal, () => waiting);
        await Until(() => server.Node.State == ZeroTierNodeState.Failed);
        Assert.Equal(ZeroTierError.Fatal, server.Node.FatalError!.Error);
        Assert.Contains("identity", server.Node.FatalError.Message, StringComparison.Ordinal);
        await Until(() => events.Any(e => e.Code == ZeroTierEventCode.NodeFatalError));
        await Fails(ZeroTierError.Fatal, () => Listen(server));
        server.Control.Configure("start_fails=1");
        await Fails(ZeroTierError.Underlay, () => server.Node.StartAsync(Token));
        Assert.Null(server.Node.FatalError);
        await there.DisposeAsync();
        await here.DisposeAsync();

        server.Control.Configure("collision=0;start_fails=0");
        await Bounded(server.Node.StartAsync(Token));
        await Ready(server.Node);
        Assert.Null(server.Node.FatalError);
        await Echo(client, server);
        await Until(() => server.Control.Counter("sockets") <= 2);
    }

    [Fact]
    public async Task Log_that_throws_harms_nothing()
    {
        var server = await Up(options: new() { LoggerFactory = new BrokenLog() });
        var client = await Up();

        await Echo(client, server);
        server.Control.Configure("accept_error=105;accept_error_count=3");
        await Echo(client, server);
        server.Control.Configure("collision=1");
        await Until(() => server.Node.State == ZeroTierNodeState.Failed);
        server.Control.Configure("collision=0");
        await Bounded(server.Node.StartAsync(Token));
        await Ready(server.Node);
        await Echo(client, server);
    }

    [Fact]
    public async Task Second_node_in_one_process_is_refused_until_the_first_stops()
    {
        var first = await Up();
        var second = first.CreateSibling();

        var error = await Fails(ZeroTierError.NotSupported, () => second.StartAsync(Token));

        Assert.Contains("managed", error.Message, StringComparison.OrdinalIgnoreCase);
        Assert.Contains(first.Node.Id.ToString(), error.Message, StringComparison.Ordinal);
        await Bounded(first.Node.StopAsync(Token));
        await Bounded(second.StartAsync(Token));
        Assert.Equal(ZeroTierNodeState.Running, second.State);
        await Fails(ZeroTierError.NotSupported, () => first.Node.StartAsync(Token));
    }

    private sealed class BrokenLog : ILoggerFactory, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            throw new InvalidOperationException("The disk is full.");

        public void Dispose()
        {
        }
    }
}
