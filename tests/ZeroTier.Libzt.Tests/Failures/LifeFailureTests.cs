using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using ZeroTier.LibztDouble;

namespace ZeroTier.Libzt.Tests.Failures;

/// <summary>Starts that fail, stops that return early, nodes that end by themselves.</summary>
public sealed class LifeFailureTests : FailureTest
{
    [Theory]
    [InlineData("start_fails=1")]
    [InlineData("start_fails=2")]
    public async Task Start_NodeEndsWhileStarting_SaysSo_AndTheNextStartWorks(string script)
    {
        var node = Create(script);

        var error = await Fails(ZeroTierError.Underlay, () => node.Node.StartAsync(Token));

        Assert.Contains("libzt", error.Message, StringComparison.Ordinal);
        Assert.Equal(ZeroTierNodeState.Stopped, node.Node.State);
        node.Control.Configure("start_fails=0");
        await Bounded(node.Node.StartAsync(Token));
        Assert.Equal(ZeroTierNodeState.Running, node.Node.State);
    }

    [Fact]
    public async Task Start_BusyPort_NamesThePort()
    {
        using var busy = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        busy.Bind(new IPEndPoint(IPAddress.Any, 0));
        int port = ((IPEndPoint)busy.LocalEndPoint!).Port;
        var node = Create(options: new() { Port = port });

        var error = await Fails(ZeroTierError.Underlay, () => node.Node.StartAsync(Token));

        Assert.Contains($"{port}", error.Message, StringComparison.Ordinal);
        Assert.Equal(0, node.Control.Counter("starts"));
        busy.Dispose();
        await Bounded(node.Node.StartAsync(Token));
    }

    [Fact]
    public async Task Start_FolderCannotBeMade_NamesTheFolder()
    {
        string file = Path.Combine(Folder(), "file");
        await File.WriteAllTextAsync(file, "x", Token);
        var node = Create(options: new() { StoragePath = Path.Combine(file, "node") });

        var error = await Fails(ZeroTierError.Storage, () => node.Node.StartAsync(Token));

        Assert.Contains(file, error.Message, StringComparison.Ordinal);
        Assert.Equal(0, node.Control.Counter("starts"));
    }

    [Theory]
    [InlineData("core_delay=3600000")]
    [InlineData("start_delay=300")]
    public async Task Start_Cancelled_LeavesNoNodeBehind(string script)
    {
        var node = Create(script);
        using var cancel = new CancellationTokenSource();
        var starting = node.Node.StartAsync(cancel.Token);
        await Until(() => node.Control.Counter("starts") == 1);
        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Bounded(starting));

        Assert.Equal(ZeroTierNodeState.Stopped, node.Node.State);
        node.Control.Configure("core_delay=10;start_delay=0");
        await Bounded(node.Node.StartAsync(Token));
        Assert.Equal(1, node.Control.Counter("stops"));
    }

    [Theory]
    [InlineData("stop_ms=400")]
    [InlineData("stop_lag=400;stop_ms=400")]
    [InlineData("stop_ms=0;event_gap=0")]
    public async Task Stop_ReturnsEarly_TheNextStartWaits(string script)
    {
        var node = await Up(script, new() { StoragePath = Folder() });
        var id = node.Node.Id;
        for (int i = 0; i < 3; i++)
        {
            await Bounded(node.Node.RestartAsync(Token));
            await Ready(node.Node);
        }

        Assert.Equal(id, node.Node.Id);
        Assert.Equal((4, 3), (node.Control.Counter("starts"), node.Control.Counter("stops")));
    }

    [Fact]
    public async Task Restart_TwentyTimes_IdentityAddressAndTrafficStay()
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
    public async Task Collision_FailsTheNode_EndsEverything_AndANewStartWorks()
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
    public async Task Stop_ThatDoesNothing_IsAskedForAgain()
    {
        var node = await Up("stop_lost=2");

        await Bounded(node.Node.StopAsync(Token));

        Assert.Equal(ZeroTierNodeState.Stopped, node.Node.State);
        Assert.Equal(1, node.Control.Counter("stops"));
        await Bounded(node.Node.StartAsync(Token));
    }

    [Fact]
    public async Task Stop_FrozenStack_FailsTheNode_AndOnlyAStackThatGoesOnStartsAgain()
    {
        var node = await Up();
        await using var listener = await Listen(node);
        var accepting = listener.AcceptAsync(Token);
        node.Control.Configure("freeze=1");
        await Task.Delay(200, Token);

        await Bounded(node.Node.StopAsync(Token));

        Assert.Equal(ZeroTierNodeState.Failed, node.Node.State);
        Assert.Equal(ZeroTierError.Fatal, node.Node.FatalError!.Error);
        Assert.Contains("frozen", node.Node.FatalError.Message, StringComparison.Ordinal);
        Assert.Equal(0, node.Control.Counter("stops"));
        Assert.Contains("frozen", (await Fails(ZeroTierError.Fatal, () => node.Node.StartAsync(Token))).Message, StringComparison.Ordinal);

        node.Control.Configure("freeze=0");
        Assert.Null(await Bounded(accepting));
        await Until(() => node.Control.Counter("sockets") == 0);
        await Bounded(node.Node.StartAsync(Token));
        await Ready(node.Node);
        Assert.Equal((2, 1), (node.Control.Counter("starts"), node.Control.Counter("stops")));
    }

    [Fact]
    public async Task LogThatThrows_HarmsNothing()
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
    public async Task SecondNode_InOneProcess_IsRefusedUntilTheFirstStops()
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

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            throw new InvalidOperationException("The disk is full.");

        public void Dispose()
        {
        }
    }
}
