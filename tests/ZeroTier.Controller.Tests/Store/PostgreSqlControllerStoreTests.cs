using Npgsql;
using ZeroTier.Controller.PostgreSql;

namespace ZeroTier.Controller.Tests.Store;

[Collection(PostgreSqlCollection.Name)]
public sealed class PostgreSqlControllerStoreTests(PostgreSqlServer server) : ControllerStoreConformance
{
    // The session that has the lock.
    private const string Terminate = """
        SELECT count(pg_terminate_backend(pid)) FROM pg_locks
        WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        """;

    private const string TerminateReaders = """
        SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE datname = current_database() AND (query LIKE 'LISTEN%' OR query LIKE 'SELECT number%')
        """;

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    private string? _database;

    [Fact]
    public async Task Changes_of_another_process_are_read_in_their_order_each_once()
    {
        await using IControllerStore writer = await OpenAsync(), other = await OpenAsync(), reader = await OpenAsync();
        await writer.WriteAsync([Put(Plain(Network))], [], Token);
        await using IAsyncEnumerator<StoreChange> changes = reader.WatchAsync(Token).GetAsyncEnumerator(Token);
        await writer.WriteAsync([Put(Plain(Network, Node)), Put(Plain(Network) with { Revision = 2, Name = "two" }, 1)], [], Token);
        await reader.WriteAsync([Put(Plain(OtherNetwork))], [], Token);
        await other.WriteAsync([new MemberRemoval(Network, Node) { ExpectedRevision = 1 }], [], Token);
        await other.WriteAsync([Put(Plain(Network, Node) with { Name = "again" })], [], Token);
        await writer.WriteAsync([new NetworkRemoval(Network) { ExpectedRevision = 2 }], [], Token);
        Assert.Equal(Network, Assert.IsType<NetworkWrite>(await NextAsync(changes)).NetworkId);
        Assert.Equal(Node, Assert.IsType<MemberWrite>(await NextAsync(changes)).Member.Node);
        var second = Assert.IsType<NetworkWrite>(await NextAsync(changes));
        Assert.Equal(("two", 1), (second.Network.Name, second.ExpectedRevision));
        Assert.Equal(Node, Assert.IsType<MemberRemoval>(await NextAsync(changes)).Node);
        Assert.Equal("again", Assert.IsType<MemberWrite>(await NextAsync(changes)).Member.Name);
        Assert.Equal(2, Assert.IsType<NetworkRemoval>(await NextAsync(changes)).ExpectedRevision);
    }

    [Fact]
    public async Task Many_writers_and_lost_connections_lose_and_repeat_no_change()
    {
        const int Writers = 4, Changes = 60;
        await using IControllerStore reader = await OpenAsync();
        await reader.WriteAsync([Put(Plain(Network))], [], Token);
        var read = new List<NodeId>();
        Task reading = Task.Run(
            async () =>
            {
                while (read.Count < Writers * Changes)
                {
                    try
                    {
                        await foreach (StoreChange change in reader.WatchAsync(Token))
                        {
                            read.Add(((MemberWrite)change).Member.Node);
                            if (read.Count == Writers * Changes)
                            {
                                break;
                            }
                        }
                    }
                    catch (NpgsqlException)
                    {
                        // As a controller does: it watches again.
                    }
                }
            },
            Token);
        await Task.WhenAll(Enumerable.Range(0, Writers).Select(w => Task.Run(
            async () =>
            {
                await using IControllerStore writer = await OpenAsync();
                for (int i = 0; i < Changes; i++)
                {
                    await writer.WriteAsync([Put(Plain(Network, new NodeId(0xab_0000_0000 + (ulong)((w * Changes) + i))))], [], Token);
                    if (i % 20 == 10)
                    {
                        await PostgreSqlServer.ExecuteAsync(_database!, TerminateReaders);
                    }
                }
            },
            Token)));
        await reading.WaitAsync(Limit, Token);
        Assert.Equal(Writers * Changes, read.Distinct().Count());
        Assert.Equal(Writers * Changes, read.Count);
    }

    [Fact]
    public async Task A_change_that_builds_on_a_record_made_anew_elsewhere_is_refused()
    {
        await using IControllerStore store = await OpenAsync(), other = await OpenAsync();
        await store.WriteAsync([Put(Plain(Network)), Put(Plain(Network, Node))], [], Token);
        await using IAsyncEnumerator<StoreChange> changes = store.WatchAsync(Token).GetAsyncEnumerator(Token);
        await other.WriteAsync(
            [new MemberRemoval(Network, Node) { ExpectedRevision = 1 }, Put(Plain(Network, Node) with { Name = "another" })], [], Token);
        var write = Put(Plain(Network, Node) with { Revision = 2 }, 1);
        Assert.Equal(Node, Assert.IsType<MemberRemoval>(await NextAsync(changes)).Node);
        await Assert.ThrowsAsync<StoreConflictException>(() => store.WriteAsync([write], [], Token));
        await Assert.ThrowsAsync<StoreConflictException>(
            () => store.WriteAsync([new NetworkRemoval(Network) { ExpectedRevision = 1 }], [], Token));
        await store.WriteAsync([Put(Plain(Network, OtherNode))], [], Token);
        Assert.Equal("another", Assert.IsType<MemberWrite>(await NextAsync(changes)).Member.Name);
        Task<StoreChange> next = NextAsync(changes);
        await store.WriteAsync([write], [], Token);
        await other.WriteAsync([Put(Plain(OtherNetwork))], [], Token);
        Assert.IsType<NetworkWrite>(await next);
    }

    [Fact]
    public async Task The_lease_waits_until_changes_of_others_are_taken_in()
    {
        await using IControllerStore store = await OpenAsync(), other = await OpenAsync();
        await other.WriteAsync([Put(Plain(Network))], [], Token);
        Task<IControllerLease> acquiring = store.AcquireAsync(Token);
        await using IAsyncEnumerator<StoreChange> changes = store.WatchAsync(Token).GetAsyncEnumerator(Token);
        await NextAsync(changes);
        await Task.Delay(500, Token);
        Assert.False(acquiring.IsCompleted);
        ValueTask<bool> next = changes.MoveNextAsync();
        await using (await acquiring.WaitAsync(Limit, Token))
        {
            await other.WriteAsync([Put(Plain(OtherNetwork))], [], Token);
            Assert.True(await next);
        }
    }

    [Fact]
    public async Task Whoever_cannot_read_changes_gives_the_lease_back()
    {
        await using IControllerStore store = await OpenAsync(), other = await OpenAsync();
        await other.WriteAsync([Put(Plain(Network))], [], Token);
        await Assert.ThrowsAsync<InvalidOperationException>(() => store.AcquireAsync(Token).WaitAsync(Limit, Token));
        await using IControllerLease lease = await other.AcquireAsync(Token).WaitAsync(Limit, Token);
        Assert.False(lease.Lost.IsCancellationRequested);
    }

    [Fact]
    public async Task A_lease_that_is_given_back_goes_to_the_next_with_all_reserved_time()
    {
        await using IControllerStore first = await OpenAsync(), second = await OpenAsync();
        IControllerLease lease = await first.AcquireAsync(Token);
        await lease.ReserveTimeAsync(1234, Token);
        Task<IControllerLease> waiting = second.AcquireAsync(Token);

        // Longer than one waits who has found the lock free.
        await Task.Delay(3000, Token);
        Assert.False(waiting.IsCompleted);
        await lease.DisposeAsync();
        Assert.True(lease.Lost.IsCancellationRequested);
        await using IControllerLease next = await waiting.WaitAsync(Limit, Token);
        Assert.Equal(1234, next.ReservedTime);
    }

    [Fact]
    public async Task A_holder_whose_session_the_server_has_ended_is_told_before_there_is_another()
    {
        await using IControllerStore first = await OpenAsync(), second = await OpenAsync();
        await using IControllerLease lease = await first.AcquireAsync(Token);
        Task<IControllerLease> waiting = second.AcquireAsync(Token);
        Assert.Equal(1L, await PostgreSqlServer.ExecuteAsync(_database!, Terminate));
        await using IControllerLease next = await waiting.WaitAsync(Limit, Token);
        Assert.True(lease.Lost.IsCancellationRequested);
        await Assert.ThrowsAsync<InvalidOperationException>(() => lease.ReserveTimeAsync(5000, Token));
        Assert.False(next.Lost.IsCancellationRequested);
        await next.ReserveTimeAsync(1, Token);
    }

    [Fact]
    public async Task A_holder_that_is_cut_off_has_lost_the_lease_before_there_is_another()
    {
        await using IControllerStore second = await OpenAsync();
        await using var link = new PostgreSqlLink(server.Folder);
        await using var first = new PostgreSqlControllerStore($"{_database};Host={link.Folder}");
        await first.OpenAsync(Token);
        await using IControllerLease lease = await first.AcquireAsync(Token);
        Task<IControllerLease> waiting = second.AcquireAsync(Token);

        // The lock is free at once, and the holder does not hear of it.
        link.Freeze();
        Assert.Equal(1L, await PostgreSqlServer.ExecuteAsync(_database!, Terminate));
        Assert.False(lease.Lost.IsCancellationRequested);
        await using IControllerLease next = await waiting.WaitAsync(Limit, Token);
        Assert.True(lease.Lost.IsCancellationRequested);

        // The one that was cut off gives up without an answer of the server's.
        await lease.DisposeAsync().AsTask().WaitAsync(Limit, Token);
    }

    [Fact]
    public async Task A_wait_for_the_lease_that_is_cut_short_does_not_shorten_the_next()
    {
        await using IControllerStore second = await OpenAsync();
        await using var link = new PostgreSqlLink(server.Folder);
        await using var first = new PostgreSqlControllerStore($"{_database};Host={link.Folder}");
        await first.OpenAsync(Token);
        await using IControllerLease lease = await first.AcquireAsync(Token);
        link.Freeze();
        Assert.Equal(1L, await PostgreSqlServer.ExecuteAsync(_database!, Terminate));
        using (var end = CancellationTokenSource.CreateLinkedTokenSource(Token))
        {
            Task<IControllerLease> waiting = second.AcquireAsync(end.Token);
            while (await PostgreSqlServer.ExecuteAsync(_database!, "SELECT epoch FROM ztkestrel.lease") is not 2L)
            {
                await Task.Delay(10, Token);
            }

            await end.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        }

        await using IControllerLease next = await second.AcquireAsync(Token).WaitAsync(Limit, Token);
        Assert.True(lease.Lost.IsCancellationRequested);
    }

    [Fact]
    public async Task A_change_whose_commit_nobody_has_heard_of_is_told_by_the_watch()
    {
        await using IControllerStore other = await OpenAsync();
        await using var link = new PostgreSqlLink(server.Folder);
        await using var store = new PostgreSqlControllerStore($"{_database};Host={link.Folder}");
        await store.OpenAsync(Token);
        await using IAsyncEnumerator<StoreChange> changes = store.WatchAsync(Token).GetAsyncEnumerator(Token);
        await store.WriteAsync([Put(Plain(Network))], [], Token);
        link.LosesCommits = true;
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => store.WriteAsync([Put(Plain(Network, Node))], [], Token));
        link.LosesCommits = false;
        await store.WriteAsync([Put(Plain(Network, OtherNode))], [], Token);
        await other.WriteAsync([Put(Plain(OtherNetwork))], [], Token);
        Assert.Equal(Node, Assert.IsType<MemberWrite>(await NextAsync(changes)).Member.Node);
        Assert.Equal(OtherNetwork, Assert.IsType<NetworkWrite>(await NextAsync(changes)).NetworkId);
    }

    [Fact]
    public async Task A_holder_of_an_earlier_epoch_can_reserve_no_time()
    {
        await using IControllerStore store = await OpenAsync();
        await using IControllerLease lease = await store.AcquireAsync(Token);
        await lease.ReserveTimeAsync(10, Token);
        await PostgreSqlServer.ExecuteAsync(_database!, "UPDATE ztkestrel.lease SET epoch = epoch + 1");
        await Assert.ThrowsAsync<InvalidOperationException>(() => lease.ReserveTimeAsync(20, Token));
        Assert.True(lease.Lost.IsCancellationRequested);
        Assert.Equal(10L, await PostgreSqlServer.ExecuteAsync(_database!, "SELECT reserved_time FROM ztkestrel.lease"));
    }

    [Fact]
    public async Task Text_that_the_database_cannot_keep_is_kept_as_near_as_can_be()
    {
        await using IControllerStore store = await OpenAsync();
        await store.WriteAsync(
            [Put(Plain(Network) with { Name = "a\0b" })],
            [new AuditEntry { Time = default, Actor = new Actor("x\0\ud800"), Action = "test", Network = Network, Detail = "\0" }],
            Token);
        Assert.Equal("a\0b", Assert.Single(await NetworksOf(store)).Name);
        await foreach (AuditEntry entry in store.ReadAuditAsync(new AuditQuery(), Token))
        {
            Assert.Equal("x\ufffd\ufffd", entry.Actor.Name);
        }
    }

    [Fact]
    public async Task A_schema_of_a_newer_version_is_refused_and_many_may_open_a_new_one()
    {
        Assert.SkipWhen(server.SkipReason is not null, server.SkipReason ?? "");
        _database = await server.CreateDatabaseAsync();
        IControllerStore[] stores = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => OpenAsync()));
        foreach (IControllerStore store in stores)
        {
            await store.DisposeAsync();
        }

        await PostgreSqlServer.ExecuteAsync(_database!, "UPDATE ztkestrel.schema_version SET version = 1000");
        Assert.Contains(
            "newer version", (await Assert.ThrowsAsync<InvalidOperationException>(OpenAsync)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_acknowledges_before_it_has_written_is_refused()
    {
        await (await OpenAsync()).DisposeAsync();
        await using var store = new PostgreSqlControllerStore($"{_database};Options=-c synchronous_commit=off");
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => store.OpenAsync(Token));
        Assert.Contains("synchronous_commit", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_controllers_of_different_networks_use_one_database_by_schemas()
    {
        await using IControllerStore store = await OpenAsync();
        await using var other = new PostgreSqlControllerStore($"{_database};Search Path=elsewhere");
        await other.OpenAsync(Token);
        await store.WriteAsync([Put(Plain(Network))], [], Token);
        Assert.Empty(await NetworksOf(other));
        await using IControllerLease first = await store.AcquireAsync(Token).WaitAsync(Limit, Token);
        await using IControllerLease second = await other.AcquireAsync(Token).WaitAsync(Limit, Token);
        Assert.Throws<ArgumentException>(() => new PostgreSqlControllerStore($"{_database};Search Path=\"a,b\""));
        Assert.Throws<ArgumentException>(() => new PostgreSqlControllerStore($"{_database};Search Path=Elsewhere"));
    }

    protected override async Task<IControllerStore> OpenAsync()
    {
        Assert.SkipWhen(server.SkipReason is not null, server.SkipReason ?? "");
        var store = new PostgreSqlControllerStore(_database ??= await server.CreateDatabaseAsync());
        try
        {
            await store.OpenAsync(Token);
            return store;
        }
        catch
        {
            await store.DisposeAsync();
            throw;
        }
    }

    private static async Task<StoreChange> NextAsync(IAsyncEnumerator<StoreChange> changes)
    {
        Assert.True(await changes.MoveNextAsync().AsTask().WaitAsync(Limit, Token));
        return changes.Current;
    }
}
