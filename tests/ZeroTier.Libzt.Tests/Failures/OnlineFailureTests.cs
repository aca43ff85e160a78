namespace ZeroTier.Libzt.Tests.Failures;

/// <summary>ONLINE and OFFLINE: a flag that lies at times, and events that may be lost.</summary>
public sealed class OnlineFailureTests : FailureTest
{
    [Fact]
    public async Task Flapping_EventsAlternate()
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
        Assert.Equal(Enumerable.Repeat(new[] { ZeroTierEventCode.NodeOffline, ZeroTierEventCode.NodeOnline }, 5).SelectMany(pair => pair), Codes(events));
        Assert.True(node.Node.Networks[0].IsReady);
    }

    [Fact]
    public async Task QuickFlapping_NeverTwoOfOneKind_AndTrafficGoesOn()
    {
        var server = await Up();
        var client = await Up("late=30");
        var events = Record(client.Node);
        server.Control.Configure("flap=250");
        client.Control.Configure("flap=300");

        do
        {
            await Echo(client, server);
        }
        while (events.Count < 4);

        var codes = Codes(events);
        Assert.DoesNotContain(codes.Zip(codes.Skip(1)), pair => pair.First == pair.Second);
        Assert.All(codes, code => Assert.True(code is ZeroTierEventCode.NodeOnline or ZeroTierEventCode.NodeOffline, $"{code}"));
    }

    [Fact]
    public async Task FlagClearedByAnotherEvent_IsNotOffline()
    {
        var node = await Up();
        var events = Record(node.Node);

        node.Control.Configure("online_flag=0;inject=219");
        await Task.Delay(700, Token);

        Assert.True(node.Node.IsOnline);
        Assert.Empty(Codes(events));
    }

    [Fact]
    public async Task NeverOnline_TheNetworkWorks_AndTheWaitEndsWithTheStop()
    {
        var server = Create("online=0");
        await Bounded(server.Node.StartAsync(Token));
        await Bounded(server.Node.JoinAsync(Network, Token));
        await Bounded(server.Node.WaitForNetworkAsync(Network, Token));
        var waiting = server.Node.WaitForOnlineAsync(Token);

        await Echo(await Up(), server);

        Assert.False(waiting.IsCompleted);
        await Bounded(server.Node.StopAsync(Token));
        await Fails(ZeroTierError.NotRunning, () => waiting);
    }
}
