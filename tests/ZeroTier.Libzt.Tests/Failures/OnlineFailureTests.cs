namespace ZeroTier.Libzt.Tests.Failures;

/// <summary>ONLINE and OFFLINE: a flag that lies at times, and events that may be lost.</summary>
public sealed class OnlineFailureTests : FailureTest
{
    [Fact]
    public async Task Flapping_events_alternate()
    {
        var node = await Up("event_threads=0");
        var events = Record(node.Node);

        for (int i = 0; i < 5; i++)
        {
            node.Control.Configure("online=0");
            await Until(() => !node.Node.IsOnline);
            node.Control.Configure("online=1");
            await Bounded(node.Node.WaitForOnlineAsync(Token));
        }

        await Until(() => events.Count == 10);
        Assert.Equal(
            Enumerable.Repeat(new[] { ZeroTierEventCode.NodeOffline, ZeroTierEventCode.NodeOnline }, 5).SelectMany(pair => pair),
            Codes(events));
        Assert.True(node.Node.Networks[0].IsReady);
    }

    [Fact]
    public async Task Whoever_hears_from_peers_stays_online_while_the_flag_comes_and_goes()
    {
        const int Times = 5;
        var server = await Up();
        var client = await Up("event_threads=0");
        var idle = await Up("event_threads=0");
        await Echo(client, server);
        var events = Record(client.Node);
        var eventsOfIdle = Record(idle.Node);
        var unknown = new NodeId(0xdb00000001);
        int told = 0;

        for (int i = 0; i < Times; i++)
        {
            foreach (bool online in new[] { false, true })
            {
                // The event about an unknown peer comes after that of the flag, and shows that the flag was looked at.
                string flag = $"online={(online ? 1 : 0)}";
                idle.Control.Configure(flag);
                client.Control.Configure(flag + ";inject=243");
                await Until(() => idle.Node.IsOnline == online);
                told++;
                await Until(() => events.Count(e => e.Peer == unknown) == told);
                await Echo(client, server);
                Assert.True(client.Node.IsOnline);
            }
        }

        // The same flag without traffic is believed each time.
        await Until(() => eventsOfIdle.Count == 2 * Times);
        Assert.Empty(Codes(events));
    }

    [Fact]
    public async Task Flag_cleared_by_another_event_is_not_offline()
    {
        var node = await Up();
        var events = Record(node.Node);

        node.Control.Configure("online_flag=0;inject=219");
        await Task.Delay(700, Token);

        Assert.True(node.Node.IsOnline);
        Assert.Empty(Codes(events));
    }

    [Fact]
    public async Task Rule_8_6_FlagThatNeverComes_TheFirstTrafficIsProof()
    {
        var server = Create("online=0");
        await Bounded(server.Node.StartAsync(Token));
        await Bounded(server.Node.JoinAsync(Network, Token));
        await Bounded(server.Node.WaitForNetworkAsync(Network, Token));
        Assert.False(server.Node.IsOnline);
        var events = Record(server.Node);
        var waiting = server.Node.WaitForOnlineAsync(Token);
        await using var listener = await Listen(server);
        var (caller, called) = await Connect(await Up(), server, listener);

        // At once: whoever is asked over the network does not say that it is away.
        Assert.True(server.Node.IsOnline);
        await Bounded(waiting);
        await Until(() => events.Count > 0);
        Assert.Equal(ZeroTierEventCode.NodeOnline, Codes(events)[0]);
        await caller.DisposeAsync();
        await called.DisposeAsync();
    }

    [Fact]
    public async Task Never_online_and_never_called_the_wait_ends_with_the_stop()
    {
        var server = Create("online=0");
        await Bounded(server.Node.StartAsync(Token));
        await Bounded(server.Node.JoinAsync(Network, Token));
        await Bounded(server.Node.WaitForNetworkAsync(Network, Token));
        var waiting = server.Node.WaitForOnlineAsync(Token);

        Assert.False(waiting.IsCompleted);
        await Bounded(server.Node.StopAsync(Token));
        await Fails(ZeroTierError.NotRunning, () => waiting);
    }
}
