namespace ZeroTier.Conformance;

/// <summary>Start, stop, restart, dispose.</summary>
public abstract class LifeCycleConformance<TEngine> : ConformanceTest<TEngine>
    where TEngine : IConformanceEngine, new()
{
    [Fact]
    public async Task Start_running_node_does_nothing()
    {
        var id = Server.Id;

        await Bounded(Server.StartAsync(Token));

        Assert.Equal(ZeroTierNodeState.Running, Server.State);
        Assert.Equal(id, Server.Id);
        Assert.Null(Server.FatalError);
    }

    [Fact]
    public async Task Stop_stopped_node_does_nothing()
    {
        var node = Pair.CreateNode();

        await Bounded(node.StopAsync(Token));

        Assert.Equal(ZeroTierNodeState.Stopped, node.State);
    }

    [Fact]
    public async Task Id_before_the_first_start_says_that_the_node_does_not_run()
    {
        var node = Pair.CreateNode();

        Assert.Equal(ZeroTierError.NotRunning, Assert.Throws<ZeroTierException>(() => node.Id).Error);
        await Bounded(node.StartAsync(Token));
        Assert.False(node.Id.IsReserved);
        Assert.NotEqual(Server.Id, node.Id);
    }

    [Fact]
    public async Task Stopped_node_every_call_that_needs_it_says_so()
    {
        var endPoint = On(Server, 80);
        await Bounded(Server.StopAsync(Token));

        await Fails(ZeroTierError.NotRunning, () => Server.WaitForOnlineAsync(Token));
        await Fails(ZeroTierError.NotRunning, () => Server.WaitForNetworkAsync(Network, Token));
        await Fails(ZeroTierError.NotRunning, () => Server.ListenAsync(endPoint, Token).AsTask());
        await Fails(ZeroTierError.NotRunning, () => Server.ConnectAsync(endPoint, Token).AsTask());
        await Fails(ZeroTierError.NotRunning, () => Server.BindDatagramAsync(endPoint, Token).AsTask());
        await Bounded(Server.DrainAsync(Token));
        Assert.False(Server.IsOnline);
        Assert.Empty(Server.Peers);
    }

    [Fact]
    public async Task Stop_keeps_identity_and_networks_and_the_next_start_uses_them()
    {
        var id = Server.Id;
        var address = AddressOf(Server);

        await Bounded(Server.StopAsync(Token));
        Assert.Equal(ZeroTierNodeState.Stopped, Server.State);
        Assert.Equal(id, Server.Id);
        Assert.Equal([Network], Server.Networks.Select(n => n.Id));
        await Bounded(Server.StartAsync(Token));
        await Bounded(Server.WaitForNetworkAsync(Network, Token));

        Assert.Equal(id, Server.Id);
        Assert.Equal(address, AddressOf(Server));
    }

    [Fact]
    public async Task Restart_traffic_flows_again()
    {
        await Bounded(Server.RestartAsync(Token));
        await Bounded(Server.WaitForOnlineAsync(Token));
        await Bounded(Server.WaitForNetworkAsync(Network, Token));
        var (client, server) = await Connect();

        await Send(client, new byte[] { 1, 2, 3 });

        Assert.Equal([1, 2, 3], await Receive(server, 3));
        await client.DisposeAsync();
        await server.DisposeAsync();
    }

    [Fact]
    public async Task Stop_pending_waits_end_with_the_reason()
    {
        var other = Pair.CreateNode();
        await Bounded(other.StartAsync(Token));
        await Bounded(other.JoinAsync(Network, Token));
        await using var listener = await Listen();
        var accepting = listener.AcceptAsync(Token);

        await Bounded(Server.StopAsync(Token));

        Assert.Null(await Bounded(accepting));
        Assert.Null(await Bounded(listener.AcceptAsync(Token)));
    }

    [Fact]
    public async Task Stop_open_connections_are_reset_on_both_sides()
    {
        var (client, server) = await Connect();

        await Bounded(Server.StopAsync(Token));

        Assert.Equal(ZeroTierError.ConnectionAborted, (await Bounded(server.ReceiveEnded))!.Error);
        Assert.Equal(ZeroTierError.ConnectionReset, (await Bounded(client.ReceiveEnded))!.Error);
        await Fails(ZeroTierError.ConnectionReset, async () => await client.Input.ReadAsync(Token));
        await client.DisposeAsync();
        await server.DisposeAsync();
    }

    [Fact]
    public async Task Failed_node_tells_why_until_it_is_stopped()
    {
        Assert.SkipWhen(Pair.FailServer is null, "This engine cannot be made to fail.");

        Pair.FailServer!();
        await Until(() => Server.State == ZeroTierNodeState.Failed);
        Assert.Equal(ZeroTierError.Fatal, Server.FatalError!.Error);
        await Bounded(Server.StopAsync(Token));

        Assert.Equal(ZeroTierNodeState.Stopped, Server.State);
        Assert.Null(Server.FatalError);
        await Fails(ZeroTierError.NotRunning, () => Server.WaitForOnlineAsync(Token));
        Pair.HealServer();
        await Bounded(Server.StartAsync(Token));
        Assert.Equal(ZeroTierNodeState.Running, Server.State);
    }

    [Fact]
    public async Task Dispose_is_terminal_and_idempotent()
    {
        var node = Pair.CreateNode();
        await Bounded(node.StartAsync(Token));

        await Bounded(node.DisposeAsync());
        await Bounded(node.DisposeAsync());

        Assert.Equal(ZeroTierNodeState.Disposed, node.State);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => Bounded(node.StartAsync(Token)));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => Bounded(node.JoinAsync(Network, Token)));
    }

    [Fact]
    public async Task Start_and_stop_from_many_tasks_at_once_end_in_one_state()
    {
        var node = Pair.CreateNode();
        var calls = Enumerable.Range(0, 20).Select(i => Task.Run(() => i % 2 == 0 ? node.StartAsync(Token) : node.StopAsync(Token), Token));

        await Bounded(Task.WhenAll(calls));

        Assert.True(node.State is ZeroTierNodeState.Running or ZeroTierNodeState.Stopped, $"The state is {node.State}.");
        await Bounded(node.StartAsync(Token));
        Assert.Equal(ZeroTierNodeState.Running, node.State);
    }

    [Fact]
    public async Task Start_already_cancelled_throws_and_leaves_the_node_stopped()
    {
        var node = Pair.CreateNode();
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Bounded(node.StartAsync(cancelled.Token)));

        Assert.Equal(ZeroTierNodeState.Stopped, node.State);
        await Bounded(node.StartAsync(Token));
    }
}
