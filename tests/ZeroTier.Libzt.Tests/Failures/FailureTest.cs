using System.Buffers;
using System.Collections.Concurrent;
using ZeroTier.LibztDouble;

namespace ZeroTier.Libzt.Tests.Failures;

/// <summary>
/// Nodes on scripted doubles. Every wait is bounded; the end of each test fails when the engine broke a rule of the library or left a
/// descriptor open.
/// </summary>
public abstract class FailureTest : IAsyncLifetime
{
    protected static readonly NetworkId Network = NetworkId.AdHoc(0, 65535);
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly List<DoubleNode> _nodes = [];
    private readonly List<string> _folders = [];

    protected static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync()
    {
        Assert.SkipWhen(DoubleLibrary.SkipReason is not null, DoubleLibrary.SkipReason ?? "");
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes)
        {
            await Bounded(node.DisposeAsync().AsTask());
        }

        foreach (string folder in _folders)
        {
            Directory.Delete(folder, recursive: true);
        }

        GC.SuppressFinalize(this);
    }

    protected static Task Bounded(Task task) => task.WaitAsync(Limit, Token);

    protected static Task<T> Bounded<T>(Task<T> task) => task.WaitAsync(Limit, Token);

    protected static Task<T> Bounded<T>(ValueTask<T> task) => Bounded(task.AsTask());

    protected static async Task<ZeroTierException> Fails(ZeroTierError error, Func<Task> action)
    {
        var exception = await Assert.ThrowsAsync<ZeroTierException>(() => Bounded(action()));
        Assert.Equal(error, exception.Error);
        Assert.NotEmpty(exception.Message);
        return exception;
    }

    protected static async Task Until(Func<bool> condition)
    {
        long limit = Environment.TickCount64 + (long)Limit.TotalMilliseconds;
        while (!condition())
        {
            Assert.True(Environment.TickCount64 < limit, "The condition never came true.");
            await Task.Delay(5, Token);
        }
    }

    protected DoubleNode Create(string script = "", DoubleNodeOptions? options = null)
    {
        var node = DoubleNode.Create(options);
        node.Control.Configure(script);
        _nodes.Add(node);
        return node;
    }

    /// <summary>
    /// A running node on the network, ready and online, that has nothing of it left to tell: the waits end before the events are sent.
    /// </summary>
    protected async Task<DoubleNode> Up(string script = "", DoubleNodeOptions? options = null)
    {
        var node = Create(script, options);
        using var subscription = node.Node.Subscribe(4096);
        await Bounded(node.Node.StartAsync(Token));
        await Bounded(node.Node.JoinAsync(Network, Token));
        await Ready(node.Node);
        await Bounded(Told(subscription, ZeroTierEventCode.NodeOnline, ZeroTierEventCode.NetworkOk));
        return node;
    }

    private static async Task Told(IZeroTierEventSubscription subscription, params HashSet<ZeroTierEventCode> missing)
    {
        await foreach (var item in subscription.ReadAllAsync(Token))
        {
            if (missing.Remove(item.Code) && missing.Count == 0)
            {
                return;
            }
        }
    }

    protected static async Task Ready(ZeroTierNode node)
    {
        await Bounded(node.WaitForNetworkAsync(Network, Token));
        await Bounded(node.WaitForOnlineAsync(Token));
    }

    protected string Folder()
    {
        string folder = Directory.CreateTempSubdirectory("libzt-failure-").FullName;
        _folders.Add(folder);
        return folder;
    }

    protected static ZeroTierEndPoint On(DoubleNode node, int port) =>
        new(Network, node.Node.Networks.Single(n => n.Id == Network).Addresses[0].Address, port);

    protected static Task<IZeroTierListener> Listen(DoubleNode server) =>
        Bounded(server.Node.ListenAsync(new ZeroTierEndPoint(Network, 0), Token));

    /// <summary>A connection between the two, both ends.</summary>
    protected static async Task<(ZeroTierConnection Client, ZeroTierConnection Server)> Connect(
        DoubleNode client, DoubleNode server, IZeroTierListener listener, ZeroTierConnectionOptions? options = null)
    {
        var accepting = listener.AcceptAsync(Token);
        var connection = await Bounded(
            client.Node.ConnectAsync(On(server, listener.EndPoint.Port), options ?? ZeroTierConnectionOptions.Default, Token));
        var accepted = await Bounded(accepting);
        Assert.NotNull(accepted);
        return (connection, accepted);
    }

    /// <summary>Bytes go both ways over a new connection.</summary>
    protected static async Task Echo(DoubleNode client, DoubleNode server)
    {
        await using var listener = await Listen(server);
        var (there, here) = await Connect(client, server, listener);
        await Transfer(there, here, 1000);
        await Transfer(here, there, 1000);
        await there.DisposeAsync();
        await here.DisposeAsync();
    }

    protected static async Task Transfer(ZeroTierConnection from, ZeroTierConnection to, int length)
    {
        byte[] data = new byte[length];
        new Random(length).NextBytes(data);
        var writing = from.Output.WriteAsync(data, Token).AsTask();
        var read = await Bounded(to.Input.ReadAtLeastAsync(length, Token));
        Assert.Equal(data, read.Buffer.Slice(0, length).ToArray());
        to.Input.AdvanceTo(read.Buffer.GetPosition(length));
        await Bounded(writing);
    }

    /// <summary>All events of a node from now on, as they come.</summary>
    protected static ConcurrentQueue<ZeroTierEvent> Record(ZeroTierNode node)
    {
        var events = new ConcurrentQueue<ZeroTierEvent>();
        var subscription = node.Subscribe(4096);
        _ = Task.Run(
            async () =>
            {
                await foreach (var item in subscription.ReadAllAsync(CancellationToken.None))
                {
                    events.Enqueue(item);
                }

                subscription.Dispose();
            },
            Token);
        return events;
    }

    /// <summary>The codes but those about peers, which only native events tell.</summary>
    protected static List<ZeroTierEventCode> Codes(IEnumerable<ZeroTierEvent> events) =>
        [.. events.Select(e => e.Code).Where(code => (int)code / 10 != 24)];
}
