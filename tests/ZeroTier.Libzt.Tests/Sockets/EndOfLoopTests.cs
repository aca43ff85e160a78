using System.Net;
using ZeroTier.Libzt.Native;

namespace ZeroTier.Libzt.Tests.Sockets;

/// <summary>Stop, leave, and a node that ends by itself, under load.</summary>
public sealed class EndOfLoopTests : SocketLoopTest
{
    [Fact]
    public async Task Stop_ends_everything_and_nothing_starts_after_it()
    {
        var listener = await Listen();
        var (connection, peer) = await Accept(listener);
        var accepting = listener.AcceptAsync(Token);
        var datagrams = await Bounded(Loop.BindDatagramAsync(View, new ZeroTierEndPoint(Network, 0), Token));
        var receiving = datagrams.ReceiveFromAsync(new byte[10], Token).AsTask();
        Control.Configure("connect=silent");
        var connecting = Loop.ConnectAsync(
            View, new ZeroTierEndPoint(Network, Double.RawDouble.Ip(Peer.Address(0)), 80), Options, Token).AsTask();
        Until(() => Loop.Counters.Descriptors == 4);

        var stopping = Loop.StopAsync();
        await Bounded(stopping);
        await Bounded(Loop.StopAsync());

        Assert.Null(await Bounded(accepting));
        Assert.Null(await Bounded(listener.AcceptAsync(Token)));
        Assert.Equal(ZeroTierError.ConnectionAborted, (await Bounded(connection.ReceiveEnded))!.Error);
        await Fails(ZeroTierError.ConnectionAborted, () => receiving);
        await Fails(ZeroTierError.ConnectionAborted, () => connecting);
        Assert.Equal((0, 104), peer.ReceiveToEnd());
        await Fails(ZeroTierError.NotRunning, () => Listen());
        await Fails(
            ZeroTierError.NotRunning,
            () => Loop.ConnectAsync(
                View, new ZeroTierEndPoint(Network, Double.RawDouble.Ip(Peer.Address(0)), 80), Options, Token).AsTask());
        await Fails(ZeroTierError.NotRunning, () => Loop.BindDatagramAsync(View, new ZeroTierEndPoint(Network, 0), Token).AsTask());
        await Bounded(Loop.DrainAsync(Token));
        await Bounded(Loop.CloseNetworkAsync(Network));
        connection.Abort();
        connection.CloseOutput();
        await Bounded(connection.DisposeAsync());
        await Bounded(listener.DisposeAsync());
        await Bounded(datagrams.DisposeAsync());
        peer.Close();
    }

    [Fact]
    public async Task Stop_under_load_hangs_nobody()
    {
        await using var listener = await Listen();
        var load = await Load(listener, 20);

        await Bounded(Loop.StopAsync());

        await Bounded(Task.WhenAll(load.Tasks));
        load.Peers.ForEach(p => p.Close());
    }

    [Fact]
    public async Task Leave_under_load_closes_the_networks_sockets_only()
    {
        var listener = await Listen();
        var load = await Load(listener, 20);
        var accepting = listener.AcceptAsync(Token);

        await Bounded(Loop.CloseNetworkAsync(new NetworkId(12345)));
        Assert.False(accepting.IsCompleted);
        await Bounded(Loop.CloseNetworkAsync(Network));

        Assert.Null(await Bounded(accepting));
        Assert.Equal(0, Loop.Counters.Descriptors);
        await Bounded(Task.WhenAll(load.Tasks));
        load.Peers.ForEach(p => p.Close());
        Loop.UpdateNetwork(View);
        await using var again = await Listen();
        var (connection, peer) = await Accept(again);
        await connection.DisposeAsync();
        peer.Close();
    }

    [Fact]
    public async Task Node_that_ends_by_itself_ends_everything_and_the_loop_does_not_spin()
    {
        var listener = await Listen();
        var (connection, peer) = await Accept(listener);
        var accepting = listener.AcceptAsync(Token);

        Control.Configure("collision=1");

        Assert.Equal(ZeroTierError.ConnectionAborted, (await Bounded(connection.ReceiveEnded))!.Error);
        Assert.Null(await Bounded(accepting));
        long before = Loop.Counters.Rounds;
        await Task.Delay(300, Token);
        Assert.InRange(Loop.Counters.Rounds - before, 0, 2);
        await connection.DisposeAsync();
        await Bounded(Loop.StopAsync());
        ExpectedErrors.Add(204);
        peer.Close();

        // The descriptors could not be closed any more. The next session does it.
        Control.Configure("collision=0;restart_gap=0");
        Until(() => Zts.NodeGetId() == Double.RawDouble.NotRunning);
        await Task.Delay(300, Token);
        LoopHost.Up(Network);
        var next = new Libzt.Sockets.SocketLoop(TimeProvider.System, Log, _ => null);
        next.Start();
        Until(() => next.Counters.Rounds > 0 && Control.Counter("sockets") <= 1);
        await Bounded(next.StopAsync());
    }

    [Fact]
    public async Task Never_started_stops_at_once()
    {
        var loop = new Libzt.Sockets.SocketLoop(TimeProvider.System, Log, _ => null);

        await Bounded(loop.StopAsync());
        loop.Start();

        await Fails(ZeroTierError.NotRunning, () => loop.ListenAsync(View, new ZeroTierEndPoint(Network, 0), Options, Token).AsTask());
    }

    // Connections that transfer in both directions for ever; each task ends with its connection, however that ends.
    private async Task<(List<Task> Tasks, List<PeerSocket> Peers)> Load(IZeroTierListener listener, int count)
    {
        var tasks = new List<Task>();
        var peers = new List<PeerSocket>();
        for (int i = 0; i < count; i++)
        {
            var (connection, peer) = await Accept(listener);
            peers.Add(peer);
            tasks.Add(Task.Run(() => Pour(connection), Token));
            tasks.Add(Task.Run(() => Drink(connection), Token));
        }

        tasks.Add(Task.Run(
            () =>
            {
                byte[] buffer = new byte[100_000];
                var open = new List<PeerSocket>(peers);
                while (open.Count != 0)
                {
                    open.RemoveAll(p => p.TryReceive(buffer) < 0 && Double.RawDouble.Errno != PeerSocket.Again);
                    open.ForEach(p => Peer.Send(p.Fd, buffer, 1000, 0));
                }
            },
            Token));
        Until(() => Loop.Counters.BytesReceived > 1_000_000 && Loop.Counters.BytesSent > 1_000_000);
        return (tasks, peers);
    }

    private static async Task Pour(ZeroTierConnection connection)
    {
        while (!(await connection.Output.WriteAsync(new byte[3000])).IsCompleted)
        {
            // Again.
        }

        await connection.DisposeAsync();
    }

    private static async Task Drink(ZeroTierConnection connection)
    {
        try
        {
            while (true)
            {
                var result = await connection.Input.ReadAsync();
                connection.Input.AdvanceTo(result.Buffer.End);
                if (result.IsCompleted)
                {
                    return;
                }
            }
        }
        catch (Exception e) when (e is ZeroTierException or InvalidOperationException)
        {
            // Reset; or the other task has let the connection go.
        }
    }
}
