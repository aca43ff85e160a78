using ZeroTier.LibztDouble;

namespace ZeroTier.Libzt.Tests.Failures;

/// <summary>Stops that return early, do nothing, or never end.</summary>
public sealed class StopFailureTests : FailureTest
{
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
    public async Task Stop_that_does_nothing_is_asked_for_again()
    {
        var node = await Up("stop_lost=2");

        await Bounded(node.Node.StopAsync(Token));

        Assert.Equal(ZeroTierNodeState.Stopped, node.Node.State);
        Assert.Equal(1, node.Control.Counter("stops"));
        await Bounded(node.Node.StartAsync(Token));
    }

    [Fact]
    public async Task Request_of_a_frozen_stack_can_be_given_up_and_leaves_nothing()
    {
        var node = await Up();
        var endPoint = new ZeroTierEndPoint(Network, 8080);
        node.Control.Configure("freeze=1");
        await Task.Delay(200, Token);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var listening = node.Node.ListenAsync(endPoint, cancellationToken: patience.Token).AsTask();
        var binding = node.Node.BindDatagramAsync(endPoint, patience.Token).AsTask();
        var other = new ZeroTierEndPoint(Network, new NetworkId(Network.Value).GetSixPlaneAddress(new NodeId(0x1122334455)), 80);
        var connecting = node.Node.ConnectAsync(other, cancellationToken: patience.Token).AsTask();
        await patience.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Bounded(listening));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Bounded(binding));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Bounded(connecting));

        node.Control.Configure("freeze=0");
        await using var again = await Bounded(node.Node.ListenAsync(endPoint, cancellationToken: Token).AsTask());
        await using var port = await Bounded(node.Node.BindDatagramAsync(endPoint, Token).AsTask());
    }

    [Fact]
    public async Task Stop_frozen_stack_fails_the_node_and_only_a_stack_that_goes_on_starts_again()
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
}
