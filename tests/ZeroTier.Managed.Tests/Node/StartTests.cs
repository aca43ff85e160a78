using ZeroTier.Managed.Tests.Conformance;

namespace ZeroTier.Managed.Tests.Node;

public class StartTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Start_fails_at_any_step_leaves_nothing_behind_and_may_be_repeated()
    {
        await using var world = await LoopbackWorld.StartAsync(Token);
        using var folder = TemporaryFolder.WithIdentity(5);
        int step = 1;
        for (; ; step++)
        {
            Assert.InRange(step, 1, 100);
            var resources = new FailingResources(step);
            await using var node = new ManagedNode(new ManagedNodeOptions
            {
                StoragePath = folder.Path,
                Planet = world.Planet,
                Networks = [NetworkId.AdHoc(0, 65535), NetworkId.AdHoc(80, 80)],
                TimeProvider = resources.Time,
                RandomSource = resources.Random,
                DatagramTransportFactory = resources.OpenTransport,
            });
            try
            {
                await node.StartAsync(Token).WaitAsync(Limit, Token);
            }
            catch (FailingResources.StepFailedException)
            {
                Assert.Equal(ZeroTierNodeState.Stopped, node.State);
                Assert.Equal(0, resources.OpenTimers);
                Assert.Equal(0, resources.OpenTransports);
                (await IdentityStore.OpenAsync(folder.Path, cancellationToken: Token)).Dispose();
                await node.StartAsync(Token).WaitAsync(Limit, Token);
            }

            Assert.Equal(ZeroTierNodeState.Running, node.State);
            bool failed = resources.HasFailed;
            await node.StopAsync(Token).WaitAsync(Limit, Token);
            Assert.Equal(0, resources.OpenTimers);
            Assert.Equal(0, resources.OpenTransports);
            if (!failed)
            {
                break;
            }
        }

        Assert.True(step > 5, $"Only {step} steps were seen: the test looks at too little.");
    }

    [Fact]
    public async Task Start_with_a_damaged_identity_closes_the_sockets_that_were_opened_beside_its_check()
    {
        await using var world = await LoopbackWorld.StartAsync(Token);
        using var folder = TemporaryFolder.WithIdentity(5);
        string secret = Path.Combine(folder.Path, IdentityStore.SecretFileName);
        string sound = await File.ReadAllTextAsync(secret, Token);
        var resources = new FailingResources(int.MaxValue);
        var options = new ManagedNodeOptions
        {
            StoragePath = folder.Path,
            Planet = world.Planet,
            TimeProvider = resources.Time,
            DatagramTransportFactory = resources.OpenTransport,
        };
        await using var node = new ManagedNode(options);
        await File.WriteAllTextAsync(secret, "0" + sound[1..], Token);

        var error = await Assert.ThrowsAsync<ZeroTierException>(() => node.StartAsync(Token).WaitAsync(Limit, Token));

        Assert.Equal(ZeroTierError.Storage, error.Error);
        Assert.Contains(secret, error.Message, StringComparison.Ordinal);
        Assert.Equal(0, resources.OpenTimers);
        Assert.Equal(0, resources.OpenTransports);

        // Neither a missing planet hides it, nor does a socket that was opened leave its port in the folder.
        await using var planetless = new ManagedNode(options with { Planet = null });
        error = await Assert.ThrowsAsync<ZeroTierException>(() => planetless.StartAsync(Token).WaitAsync(Limit, Token));
        Assert.Contains(secret, error.Message, StringComparison.Ordinal);
        await using var udp = new ManagedNode(options with { DatagramTransportFactory = null });
        await Assert.ThrowsAsync<ZeroTierException>(() => udp.StartAsync(Token).WaitAsync(Limit, Token));
        Assert.False(File.Exists(Path.Combine(folder.Path, "port")));

        await File.WriteAllTextAsync(secret, sound, Token);
        await node.StartAsync(Token).WaitAsync(Limit, Token);
        Assert.Equal(1, resources.OpenTransports);
    }

    [Fact]
    public async Task Start_without_a_planet_says_what_to_do()
    {
        await using var node = new ManagedNode(new ManagedNodeOptions { Identity = TestIdentities.Get(1) });

        var error = await Assert.ThrowsAsync<ZeroTierException>(() => node.StartAsync(Token));

        Assert.Contains("planet", error.Message, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("ManagedNodeOptions.Planet", error.Message, StringComparison.Ordinal);
        Assert.Equal(ZeroTierNodeState.Stopped, node.State);
    }

    [Fact]
    public async Task Start_loopback_planet_binds_loopback_only()
    {
        await using var world = await LoopbackWorld.StartAsync(Token);
        var node = world.CreateNode();

        await node.StartAsync(Token);

        Assert.NotEmpty(node.LocalEndPoints);
        Assert.All(node.LocalEndPoints, endPoint => Assert.True(System.Net.IPAddress.IsLoopback(endPoint.Address), endPoint.ToString()));
        Assert.Equal(world.Planet.Id, node.Planet?.Id);
    }

    [Fact]
    public async Task Storage_keeps_identity_networks_and_peers()
    {
        await using var world = await LoopbackWorld.StartAsync(Token);
        using var folder = TemporaryFolder.WithIdentity(6);
        var network = NetworkId.AdHoc(0, 65535);
        var left = NetworkId.AdHoc(1, 1);
        NodeId id;
        await using (var first = world.CreateNode(options => options with { StoragePath = folder.Path }))
        {
            await first.StartAsync(Token);
            id = first.Id;
            await first.JoinAsync(network, Token);
            await first.JoinAsync(left, Token);
            await first.LeaveAsync(left, Token);
        }

        await using var second = world.CreateNode(options => options with { StoragePath = folder.Path });
        await second.StartAsync(Token);

        Assert.Equal(id, second.Id);
        Assert.Equal([network], second.Networks.Select(n => n.Id));
        Assert.True(second.Networks[0].IsReady);
        Assert.True(Directory.Exists(Path.Combine(folder.Path, "peers.d")));
        await second.StopAsync(Token);

        await using var configured = world.CreateNode(
            options => options with { StoragePath = folder.Path, Networks = [left], RejoinsNetworks = false });
        await configured.StartAsync(Token);
        Assert.Equal([left], configured.Networks.Select(n => n.Id));
    }

    [Fact]
    public async Task Dispose_when_the_transport_fails_to_close_still_ends_everything_else()
    {
        await using var world = await LoopbackWorld.StartAsync(Token);
        using var identity = TestIdentities.Get(9);
        var resources = new FailingResources(int.MaxValue) { FailsToClose = true };
        var node = new ManagedNode(new ManagedNodeOptions
        {
            Identity = identity,
            Planet = world.Planet,
            TimeProvider = resources.Time,
            DatagramTransportFactory = resources.OpenTransport,
        });
        await node.StartAsync(Token);
        using var events = node.Subscribe();

        await Assert.ThrowsAsync<AggregateException>(() => node.DisposeAsync().AsTask());

        Assert.Equal(ZeroTierNodeState.Disposed, node.State);
        Assert.Equal(0, resources.OpenTimers);
        await events.ReadAllAsync(Token).CountAsync(Token).AsTask().WaitAsync(Limit, Token);
        await node.DisposeAsync();
    }

    [Fact]
    public async Task Storage_in_use_refuses_a_second_node()
    {
        await using var world = await LoopbackWorld.StartAsync(Token);
        using var folder = TemporaryFolder.WithIdentity(7);
        await using var first = world.CreateNode(options => options with { StoragePath = folder.Path });
        await using var second = world.CreateNode(options => options with { StoragePath = folder.Path });
        await first.StartAsync(Token);

        var error = await Assert.ThrowsAsync<ZeroTierException>(() => second.StartAsync(Token));

        Assert.Equal(ZeroTierError.Storage, error.Error);
        Assert.Contains(folder.Path, error.Message, StringComparison.Ordinal);
        await first.StopAsync(Token);
        await second.StartAsync(Token);
    }

    [Fact]
    public async Task Identity_collision_fails_the_node_until_it_is_started_again()
    {
        await using var world = await LoopbackWorld.StartAsync(Token);
        var node = world.CreateNode();
        await node.JoinAsync(NetworkId.AdHoc(0, 65535), Token);
        await node.StartAsync(Token);
        using var events = node.Subscribe();
        var listener = await node.ListenAsync(new ZeroTierEndPoint(NetworkId.AdHoc(0, 65535), 0), Token);
        var accepting = listener.AcceptAsync(Token).AsTask();

        ((ZeroTier.Managed.Vl2.IVl2Client)node.Session!).OnIdentityCollision();
        Assert.Null(await accepting.WaitAsync(Limit, Token));
        await foreach (var item in events.ReadAllAsync(Token))
        {
            if (item.Code == ZeroTierEventCode.NodeFatalError)
            {
                Assert.Contains(node.Id.ToString(), item.Detail, StringComparison.Ordinal);
                break;
            }
        }

        var error = await Assert.ThrowsAsync<ZeroTierException>(() => node.WaitForOnlineAsync(Token));
        Assert.Equal(ZeroTierError.Fatal, error.Error);
        await node.StopAsync(Token).WaitAsync(Limit, Token);
        Assert.Null(node.FatalError);
        await node.StartAsync(Token).WaitAsync(Limit, Token);
        Assert.Equal(ZeroTierNodeState.Running, node.State);
        Assert.Null(node.FatalError);
    }

    [Fact]
    public async Task Failure_of_an_ended_life_leaves_the_next_one_alone()
    {
        await using var world = await LoopbackWorld.StartAsync(Token);
        var node = world.CreateNode();
        await node.StartAsync(Token);
        ZeroTier.Managed.Vl2.IVl2Client ended = node.Session!;
        await node.RestartAsync(Token);

        ended.OnIdentityCollision();

        // The failure is worked off on the pool, behind the gate that this takes.
        await Task.Delay(50, Token);
        await node.JoinAsync(NetworkId.AdHoc(1, 65535), Token);
        Assert.Equal(ZeroTierNodeState.Running, node.State);

        ((ZeroTier.Managed.Vl2.IVl2Client)node.Session!).OnIdentityCollision();
        while (node.State == ZeroTierNodeState.Running)
        {
            await Task.Delay(10, Token);
        }

        Assert.Equal(ZeroTierNodeState.Failed, node.State);
    }

    [Theory]
    [InlineData("Port")]
    [InlineData("ActivityTimeout")]
    [InlineData("ReceiveThreads")]
    [InlineData("MaxTotalBufferSize")]
    [InlineData("StoragePath")]
    [InlineData("Identity")]
    public void Constructor_bad_option_names_it(string option)
    {
        using var identity = TestIdentities.Get(1);
        var options = option switch
        {
            "Port" => new ManagedNodeOptions { Port = 70000 },
            "ActivityTimeout" => new ManagedNodeOptions { ActivityTimeout = TimeSpan.Zero },
            "ReceiveThreads" => new ManagedNodeOptions { ReceiveThreads = 0 },
            "MaxTotalBufferSize" => new ManagedNodeOptions { MaxTotalBufferSize = 1000 },
            "StoragePath" => new ManagedNodeOptions { StoragePath = " " },
            _ => new ManagedNodeOptions { Identity = NodeIdentity.Parse(identity.ToString()) },
        };

        Assert.Contains(option, Assert.Throws<ArgumentException>(() => new ManagedNode(options)).Message, StringComparison.Ordinal);
    }
}
