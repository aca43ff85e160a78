using ZeroTier.Libzt.Sockets;

namespace ZeroTier.Libzt.Tests.Sockets;

/// <summary>Our guard in front of libzt's table, and the table itself.</summary>
public sealed class DescriptorLimitTests : SocketLoopTest
{
    private const int Max = 10;

    private protected override SocketLoopLimits Limits { get; } = new() { MaxDescriptors = Max, LingerTime = 30_000, ResetTime = 60_000 };

    [Fact]
    public async Task More_connections_than_allowed_are_reset_and_the_others_go_on()
    {
        await using var listener = await Listen();
        var (connections, peers) = await Fill(listener, Max - 1);

        for (int i = 0; i < 5; i++)
        {
            var refused = PeerSocket.Begin(Peer, To(listener));
            refused.WaitForReset();
            refused.Close();
        }

        Assert.Equal(5, Loop.Counters.ConnectionsShed);
        Until(() => Logs.Lines.Count(l => l.Event.Id == 200) is > 0 and < 3);
        await EchoAll(connections, peers);
        connections[0].Abort();
        Until(() => Loop.Counters.Descriptors == Max - 1);
        var (connection, peer) = await Accept(listener);
        await connection.DisposeAsync();
        await CloseAll(connections, peers);
        peer.Close();
    }

    [Fact]
    public async Task Connecting_over_the_limit_fails_with_a_remedy()
    {
        await using var listener = await Listen();
        var (connections, peers) = await Fill(listener, Max - 1);

        var error = await Fails(
            ZeroTierError.NotPermitted,
            () => Loop.ConnectAsync(
                View, new ZeroTierEndPoint(Network, Double.RawDouble.Ip(Peer.Address(0)), 80), Options, Token).AsTask());
        await Fails(ZeroTierError.NotPermitted, () => Listen());
        await Fails(ZeroTierError.NotPermitted, () => Loop.BindDatagramAsync(View, new ZeroTierEndPoint(Network, 0), Token).AsTask());

        Assert.Contains("managed engine", error.Message, StringComparison.Ordinal);
        await EchoAll(connections, peers);
        await CloseAll(connections, peers);
    }

    [Fact]
    public async Task Lingering_connections_make_room()
    {
        await using var listener = await Listen();
        var (connections, peers) = await Fill(listener, Max - 1);

        // Let go, but the peers do not end theirs: they would linger for long.
        foreach (var connection in connections)
        {
            await connection.DisposeAsync();
        }

        peers.ForEach(p => Assert.Equal((0, 0), p.ReceiveToEnd()));
        Assert.Equal(Max, Loop.Counters.Descriptors);
        var (more, morePeers) = await Fill(listener, Max - 1);

        Assert.Equal(0, Loop.Counters.ConnectionsShed);
        await EchoAll(more, morePeers);
        await CloseAll(more, morePeers);
        peers.ForEach(p => p.Close());
    }

    [Fact]
    public async Task Connections_that_wait_for_their_reset_make_room_also_for_listeners()
    {
        await using var listener = await Listen();
        Control.Configure("slow_tick=1000000");
        var (connections, peers) = await Fill(listener, Max - 1);
        connections.ForEach(c => c.Abort());
        await Task.WhenAll(connections.Select(c => Bounded(c.ReceiveEnded)));
        Assert.Equal(Max, Loop.Counters.Descriptors);

        await using var other = await Listen();
        var (more, morePeers) = await Fill(listener, Max - 2);

        Assert.Equal(0, Loop.Counters.ConnectionsShed);
        await CloseAll(more, morePeers);
        await Task.WhenAll(connections.Select(c => c.DisposeAsync().AsTask()));
        peers.ForEach(p => p.Close());
    }

    [Fact]
    public async Task Full_table_of_libzt_itself_sheds_and_recovers()
    {
        await using var listener = await Listen();
        var (connections, peers) = await Fill(listener, 3);
        await AssertQuiet();
        Control.Configure($"sockets={Control.Counter("sockets")}");

        var refused = PeerSocket.Begin(Peer, To(listener));
        refused.WaitForReset();
        await EchoAll(connections, peers);

        Assert.True(Loop.Counters.ConnectionsShed > 0);
        Control.Configure("sockets=1024");
        var (connection, peer) = await Accept(listener);
        await connection.DisposeAsync();
        await CloseAll(connections, peers);
        refused.Close();
        peer.Close();
    }

    [Fact]
    public async Task Full_backlog_stops_accepting_until_someone_accepts()
    {
        await using var listener = await Listen(0, Options with { Backlog = 2 });
        var peers = Enumerable.Range(0, 4).Select(_ => PeerSocket.Connect(Peer, To(listener))).ToList();
        await AssertQuiet();
        Assert.Equal(2, Loop.Counters.ConnectionsAccepted);

        for (int i = 0; i < 4; i++)
        {
            await (await Bounded(listener.AcceptAsync(Token)))!.DisposeAsync();
        }

        peers.ForEach(p => Assert.Equal((0, 0), p.ReceiveToEnd()));
        peers.ForEach(p => p.Close());
    }

    private async Task<(List<ZeroTierConnection> Connections, List<PeerSocket> Peers)> Fill(IZeroTierListener listener, int count)
    {
        var connections = new List<ZeroTierConnection>();
        var peers = new List<PeerSocket>();
        for (int i = 0; i < count; i++)
        {
            var (connection, peer) = await Accept(listener);
            connections.Add(connection);
            peers.Add(peer);
        }

        return (connections, peers);
    }

    private static async Task EchoAll(List<ZeroTierConnection> connections, List<PeerSocket> peers)
    {
        for (int i = 0; i < connections.Count; i++)
        {
            await Write(connections[i], [(byte)i]);
            Assert.Equal([(byte)i], peers[i].Receive(1));
        }
    }

    private static async Task CloseAll(List<ZeroTierConnection> connections, List<PeerSocket> peers)
    {
        foreach (var connection in connections)
        {
            await connection.DisposeAsync();
        }

        peers.ForEach(p => p.Close());
    }
}
