namespace ZeroTier.Controller.Tests.Store;

/// <summary>What every store must do. Derive from it, and open the store of the test.</summary>
public abstract class ControllerStoreConformance : IAsyncDisposable
{
    protected static readonly NetworkId Network = new(0x1234567890_000001);
    protected static readonly NetworkId OtherNetwork = new(0x1234567890_000002);
    protected static readonly NodeId Node = new(0xabcdef0123);
    protected static readonly NodeId OtherNode = new(0xabcdef0124);

    private static readonly DateTimeOffset Time = new(2026, 11, 28, 12, 0, 0, TimeSpan.Zero);
    private static readonly Actor Admin = new("admin");

    protected static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Opens the test's store. After the first one was disposed of, a second call opens the same data.</summary>
    protected abstract Task<IControllerStore> OpenAsync();

    public virtual ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task Networks_and_members_come_back_as_they_were_written()
    {
        ControllerNetwork network = NetworkWithEverything();
        ControllerMember member = MemberWithEverything();
        await using (IControllerStore store = await OpenAsync())
        {
            await store.WriteAsync([Put(network), Put(member)], [], Token);
        }

        await using IControllerStore again = await OpenAsync();
        Assert.Equal(ControllerJson.Write(network), ControllerJson.Write(Assert.Single(await NetworksOf(again))));
        Assert.Equal(ControllerJson.Write(member), ControllerJson.Write(Assert.Single(await MembersOf(again))));
    }

    [Fact]
    public async Task A_change_replaces_the_record_and_outlives_the_store()
    {
        await using (IControllerStore store = await OpenAsync())
        {
            await store.WriteAsync([Put(Plain(Network)), Put(Plain(Network, Node))], [], Token);
            await store.WriteAsync([Put(Plain(Network) with { Revision = 2, Name = "second" }, 1)], [], Token);
            await store.WriteAsync([Put(Plain(Network, Node) with { Revision = 2, Name = "zwei" }, 1)], [], Token);
        }

        await using IControllerStore again = await OpenAsync();
        Assert.Equal("second", Assert.Single(await NetworksOf(again)).Name);
        Assert.Equal("zwei", Assert.Single(await MembersOf(again)).Name);
    }

    [Fact]
    public async Task A_change_of_another_revision_is_refused_and_named()
    {
        await using IControllerStore store = await OpenAsync();
        await store.WriteAsync([Put(Plain(Network)), Put(Plain(Network, Node))], [], Token);
        await Refused(store, Put(Plain(Network) with { Revision = 3 }, 2));
        await Refused(store, Put(Plain(Network)));
        await Refused(store, Put(Plain(OtherNetwork) with { Revision = 2 }, 1));
        await Refused(store, Put(Plain(Network, Node) with { Revision = 3 }, 2));
        await Refused(store, Put(Plain(Network, Node)));
        await Refused(store, Put(Plain(Network, OtherNode) with { Revision = 2 }, 1));
        await Refused(store, new NetworkRemoval(Network) { ExpectedRevision = 2 });
        await Refused(store, new MemberRemoval(Network, Node) { ExpectedRevision = 2 });
        var conflict = await Assert.ThrowsAsync<StoreConflictException>(
            () => store.WriteAsync([Put(Plain(Network, Node) with { Revision = 3 }, 2)], [],
                Token));
        Assert.Contains(Node.ToString(), conflict.Message, StringComparison.Ordinal);
        Assert.Equal(1, Assert.Single(await NetworksOf(store)).Revision);
        Assert.Equal(1, Assert.Single(await MembersOf(store)).Revision);
    }

    [Fact]
    public async Task What_is_not_there_cannot_be_removed()
    {
        await using IControllerStore store = await OpenAsync();
        await Refused(store, new NetworkRemoval(Network) { ExpectedRevision = 0 });
        await Refused(store, new MemberRemoval(Network, Node) { ExpectedRevision = 0 });
    }

    [Fact]
    public async Task A_member_needs_its_network()
    {
        await using IControllerStore store = await OpenAsync();
        await Refused(store, Put(Plain(Network, Node)));
        Assert.Empty(await MembersOf(store));
    }

    [Fact]
    public async Task Of_changes_that_are_written_together_all_are_kept_or_none()
    {
        await using IControllerStore store = await OpenAsync();
        await store.WriteAsync([Put(Plain(Network)), Put(Plain(Network, Node))], [], Token);
        StoreChange[] changes =
        [
            Put(Plain(OtherNetwork)),
            Put(Plain(Network) with { Revision = 2, Name = "changed" }, 1),
            new MemberRemoval(Network, Node) { ExpectedRevision = 1 },
            Put(Plain(Network, OtherNode)),
            Put(Plain(OtherNetwork, OtherNode) with { Revision = 8 }, 7),
        ];
        await Assert.ThrowsAsync<StoreConflictException>(() => store.WriteAsync(changes, [Entry("lost")], Token));
        Assert.Equal("", Assert.Single(await NetworksOf(store)).Name);
        Assert.Equal(Node, Assert.Single(await MembersOf(store)).Node);
        Assert.Empty(await AuditOf(store, new AuditQuery()));
    }

    [Fact]
    public async Task Changes_in_one_write_build_on_each_other()
    {
        await using IControllerStore store = await OpenAsync();
        await store.WriteAsync(
            [
                Put(Plain(Network)), Put(Plain(Network) with { Revision = 2, Name = "two" }, 1),
                Put(Plain(Network, Node)), new MemberRemoval(Network, Node) { ExpectedRevision = 1 },
                Put(Plain(Network, Node) with { Name = "again" }),
            ],
            [],
            Token);
        Assert.Equal("two", Assert.Single(await NetworksOf(store)).Name);
        Assert.Equal("again", Assert.Single(await MembersOf(store)).Name);
    }

    [Fact]
    public async Task A_network_is_removed_with_its_members_and_no_others()
    {
        await using IControllerStore store = await OpenAsync();
        await store.WriteAsync(
            [Put(Plain(Network)), Put(Plain(Network, Node)), Put(Plain(OtherNetwork)), Put(Plain(OtherNetwork, Node))], [], Token);
        await store.WriteAsync([new NetworkRemoval(Network) { ExpectedRevision = 1 }], [], Token);
        Assert.Equal(OtherNetwork, Assert.Single(await NetworksOf(store)).Id);
        Assert.Equal(OtherNetwork, Assert.Single(await MembersOf(store)).Network);

        // Made anew it is empty.
        await store.WriteAsync([Put(Plain(Network))], [], Token);
        Assert.Single(await MembersOf(store));
    }

    [Fact]
    public async Task The_audit_trail_is_read_newest_first_by_pages()
    {
        await using (IControllerStore store = await OpenAsync())
        {
            for (int i = 0; i < 5; i++)
            {
                await store.WriteAsync(i == 0 ? [Put(Plain(Network))] : [], [Entry($"step {i}"), Entry($"member {i}") with { Member = Node,
                    Network = OtherNetwork }], Token);
            }
        }

        await using IControllerStore again = await OpenAsync();
        List<AuditEntry> first = await AuditOf(again, new AuditQuery { Network = Network, Limit = 3 });
        Assert.Equal(["step 4", "step 3", "step 2"], first.Select(e => e.Detail));
        Assert.Equal(
            ["step 1", "step 0"], (await AuditOf(again, new AuditQuery { Network = Network, Before = first[^1].Id, Limit = 3 })).Select(e =>
                e.Detail));
        Assert.Equal(5, (await AuditOf(again, new AuditQuery { Member = Node })).Count);
        Assert.Equal(10, (await AuditOf(again, new AuditQuery())).Select(e => e.Id).Distinct().Count());
        AuditEntry newest = first[0];
        Assert.Equal((Time, Admin, "test.step", Network, null), (newest.Time, newest.Actor, newest.Action, newest.Network, newest.Member));
    }

    [Fact]
    public async Task Reserved_time_grows_and_outlives_the_store()
    {
        await using (IControllerStore store = await OpenAsync())
        {
            await using IControllerLease lease = await store.AcquireAsync(Token);
            Assert.Equal(0, lease.ReservedTime);
            Assert.False(lease.Lost.IsCancellationRequested);
            await lease.ReserveTimeAsync(1_000_000_000_000, Token);
            await lease.ReserveTimeAsync(999, Token);
        }

        await using IControllerStore again = await OpenAsync();
        await using IControllerLease next = await again.AcquireAsync(Token);
        Assert.Equal(1_000_000_000_000, next.ReservedTime);
    }

    [Fact]
    public async Task Many_writers_at_once_lose_nothing()
    {
        await using IControllerStore store = await OpenAsync();
        await store.WriteAsync([Put(Plain(Network))], [], Token);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(writer => Task.Run(
            async () =>
            {
                for (uint i = 0; i < 25; i++)
                {
                    await store.WriteAsync(
                        [Put(Plain(Network, new NodeId(0xab_0000_0000 + (ulong)(writer * 100) + i)))], [Entry("write")], Token);
                }
            },
            Token)));
        Assert.Equal(200, (await MembersOf(store)).Count);
        Assert.Equal(200, (await AuditOf(store, new AuditQuery { Limit = 1000 })).Count);
    }

    [Fact]
    public async Task Of_writers_that_race_for_one_record_one_wins_each_revision()
    {
        await using IControllerStore store = await OpenAsync();
        await store.WriteAsync([Put(Plain(Network))], [], Token);
        bool[] won = await Task.WhenAll(Enumerable.Range(0, 8).Select(writer => Task.Run(
            async () =>
            {
                try
                {
                    await store.WriteAsync([Put(Plain(Network) with { Revision = 2, Name = $"{writer}" }, 1)], [], Token);
                    return true;
                }
                catch (StoreConflictException)
                {
                    return false;
                }
            },
            Token)));
        Assert.Single(won, w => w);
        Assert.Equal(
            Array.IndexOf(won, true).ToString(System.Globalization.CultureInfo.InvariantCulture),
            Assert.Single(await NetworksOf(store)).Name);
    }

    [Fact]
    public async Task Watching_ends_when_it_is_cancelled()
    {
        await using IControllerStore store = await OpenAsync();
        using var end = new CancellationTokenSource();
        Task watching = Task.Run(
            async () =>
            {
                try
                {
                    await foreach (StoreChange _ in store.WatchAsync(end.Token))
                    {
                    }
                }
                catch (OperationCanceledException)
                {
                }
            },
            Token);
        await end.CancelAsync();
        await watching.WaitAsync(TimeSpan.FromSeconds(30), Token);
    }

    protected static NetworkWrite Put(ControllerNetwork network, long expected = 0) => new(network) { ExpectedRevision = expected };

    protected static MemberWrite Put(ControllerMember member, long expected = 0) => new(member) { ExpectedRevision = expected };

    protected static ControllerNetwork Plain(NetworkId id) => new() { Id = id, CreationTime = Time };

    protected static ControllerMember Plain(NetworkId network, NodeId node) =>
        new() { Network = network, Node = node, CreationTime = Time };

    protected static async Task<List<ControllerNetwork>> NetworksOf(IControllerStore store) => await ToList(store.LoadNetworksAsync(Token));

    protected static async Task<List<ControllerMember>> MembersOf(IControllerStore store) => await ToList(store.LoadMembersAsync(Token));

    private static async Task<List<AuditEntry>> AuditOf(IControllerStore store, AuditQuery query) =>
        await ToList(store.ReadAuditAsync(query, Token));

    private static async Task<List<T>> ToList<T>(IAsyncEnumerable<T> items)
    {
        var list = new List<T>();
        await foreach (T item in items)
        {
            list.Add(item);
        }

        return list;
    }

    private static async Task Refused(IControllerStore store, StoreChange change) =>
        await Assert.ThrowsAsync<StoreConflictException>(() => store.WriteAsync([change], [], Token));

    private static AuditEntry Entry(string detail) =>
        new() { Time = Time, Actor = Admin, Action = "test.step", Network = Network, Detail = detail };

    private static ControllerNetwork NetworkWithEverything() => SampleRecords.Network(Network, Time);

    private static ControllerMember MemberWithEverything() => SampleRecords.Member(Network, TestIdentities.Get(1), Time);
}
