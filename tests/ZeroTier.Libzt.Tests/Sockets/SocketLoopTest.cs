using System.IO.Pipelines;
using System.Net;
using Microsoft.Extensions.Logging;
using ZeroTier.Libzt.Sockets;
using ZeroTier.Libzt.Tests.Double;
using ZeroTier.LibztDouble;

namespace ZeroTier.Libzt.Tests.Sockets;

/// <summary>
/// A loop on the double, and another node of raw calls as its peer. At the end nothing may be left, and no rule of the library broken.
/// </summary>
[Collection("The socket loop")]
public abstract class SocketLoopTest : IAsyncLifetime
{
    private protected static readonly NetworkId Network = new(RawDouble.Network);
    private protected static readonly TimeSpan Limit = TimeSpan.FromSeconds(40);

    private protected LogCollector Logs { get; } = new();

    private protected ILogger Log => Logs.CreateLogger("loop");

    /// <summary>Events of level Error that the test provokes.</summary>
    private protected HashSet<int> ExpectedErrors { get; } = [];

    private protected CountingPool Pool { get; } = new();

    private protected SocketLoop Loop { get; private set; } = null!;

    private protected RawDouble Peer { get; private set; } = null!;

    private protected NetworkView View { get; private set; } = null!;

    private protected ZeroTierConnectionOptions Options { get; set; } = null!;

    private protected static CancellationToken Token => TestContext.Current.CancellationToken;

    private protected static DoubleControl Control => LoopHost.Control;

    /// <summary>Of the loop.</summary>
    private protected virtual SocketLoopLimits Limits { get; } = new() { LingerTime = 400, RouteTime = 400, ConnectTime = 4000 };

    public ValueTask InitializeAsync()
    {
        Assert.SkipWhen(DoubleLibrary.SkipReason is not null, DoubleLibrary.SkipReason ?? "");
        Control.Reset();
        Control.Configure("dad=0");
        Peer = new RawDouble();
        Peer.Control.Configure("dad=0");
        Peer.Up();
        View = new NetworkView(Network, LoopHost.Up(Network));
        Options = new ZeroTierConnectionOptions { MemoryPool = Pool };
        Loop = new SocketLoop(TimeProvider.System, Log, node => new ZeroTierPeer(node, ZeroTierPeerRole.Leaf), Limits);
        Loop.Start();
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (Loop is null)
        {
            return;
        }

        await Bounded(Loop.StopAsync());
        Assert.Empty(Control.Violations);
        Assert.Equal(0, Control.Counter("sockets"));
        Assert.Equal(0, Loop.Counters.Descriptors);
        Assert.Equal(0, Loop.Counters.OpenConnections);
        Assert.Equal(0, Loop.Ports.Count);
        Assert.Equal(0, Loop.OpenPipeEnds);
        Assert.Equal(0, Pool.Rented);
        Assert.DoesNotContain(Logs.AtLeast(LogLevel.Error), line => !ExpectedErrors.Contains(line.Event.Id));
        Control.Reset();
        Peer.Dispose();
    }

    private protected static Task Bounded(Task task) => task.WaitAsync(Limit, Token);

    private protected static Task<T> Bounded<T>(Task<T> task) => task.WaitAsync(Limit, Token);

    private protected static Task Bounded(ValueTask task) => Bounded(task.AsTask());

    private protected static Task<T> Bounded<T>(ValueTask<T> task) => Bounded(task.AsTask());

    private protected static async Task<ZeroTierException> Fails(ZeroTierError error, Func<Task> action)
    {
        var exception = await Assert.ThrowsAsync<ZeroTierException>(() => Bounded(action()));
        Assert.Equal(error, exception.Error);
        return exception;
    }

    private protected async Task<IZeroTierListener> Listen(int port = 0, ZeroTierConnectionOptions? options = null) =>
        await Bounded(Loop.ListenAsync(View, new ZeroTierEndPoint(Network, port), options ?? Options, Token));

    private protected IPEndPoint To(IZeroTierListener listener) => new(View.Addresses[0].Address, listener.EndPoint.Port);

    /// <summary>A connection that the loop accepts from the peer.</summary>
    private protected async Task<(ZeroTierConnection Connection, PeerSocket Peer)> Accept(ZeroTierConnectionOptions? options = null)
    {
        await using var listener = await Listen(0, options);
        return await Accept(listener);
    }

    private protected async Task<(ZeroTierConnection Connection, PeerSocket Peer)> Accept(IZeroTierListener listener)
    {
        var peer = PeerSocket.Connect(Peer, To(listener));
        var connection = await Bounded(listener.AcceptAsync(Token));
        Assert.NotNull(connection);
        return (connection, peer);
    }

    private protected static async Task Write(ZeroTierConnection connection, byte[] data) =>
        await Bounded(connection.Output.WriteAsync(data, Token));

    private protected static async Task<byte[]> Read(ZeroTierConnection connection, int count)
    {
        var result = await Bounded(connection.Input.ReadAtLeastAsync(count, Token));
        Assert.True(result.Buffer.Length >= count, $"The stream ended after {result.Buffer.Length} of {count} bytes.");
        byte[] data = System.Buffers.BuffersExtensions.ToArray(result.Buffer.Slice(0, count));
        connection.Input.AdvanceTo(result.Buffer.GetPosition(count));
        return data;
    }

    /// <summary>Reads to the end in order.</summary>
    private protected static async Task<long> ReadToEnd(PipeReader reader)
    {
        long total = 0;
        while (true)
        {
            var result = await Bounded(reader.ReadAsync(Token));
            total += result.Buffer.Length;
            reader.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted)
            {
                return total;
            }
        }
    }

    private protected static byte[] Data(int length, int seed = 1)
    {
        byte[] data = new byte[length];
        new Random(seed).NextBytes(data);
        return data;
    }

    private protected static void Until(Func<bool> condition) => RawDouble.Until(condition);

    /// <summary>How often the loop polls while nothing is to be done: its safety net, and not more.</summary>
    private protected async Task AssertQuiet()
    {
        // What was under way may end first.
        await Task.Delay(100, Token);
        long before = Control.Counter("polls");
        await Task.Delay(500, Token);
        Assert.InRange(Control.Counter("polls") - before, 0, 60);
    }

}
