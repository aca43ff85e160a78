using ZeroTier.Managed;

namespace ZeroTier.Controller.Tests;

/// <summary>Stores and leases that fail, hang, or repeat what is known.</summary>
public class StoreFailureTests
{
    private static readonly NodeIdentity Alice = TestIdentities.All[1];
    private static readonly NodeIdentity Bob = TestIdentities.All[2];
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_lease_that_fails_at_its_beginning_leaves_the_controller_usable()
    {
        int calls = 0;
        var store = new FeedStore(new MemoryControllerStore())
        {
            BeforeReservedTime = () =>
            {
                if (++calls == 1)
                {
                    throw new IOException("The database is gone.");
                }
            },
        };
        await using var bench = await ControllerBench.StartAsync(store);
        await bench.CreateAsync().WaitAsync(Limit, Token);
        bench.Clock.Advance(TimeSpan.FromSeconds(2));
        Assert.True(SpinWait.SpinUntil(() => bench.Controller.IsActive, Limit));
    }

    [Fact]
    public async Task A_write_that_never_ends_does_not_keep_the_controller_from_ending()
    {
        var store = new FeedStore(new MemoryControllerStore());
        var bench = await ControllerBench.StartAsync(store);
        ControllerNetwork network = await bench.CreateAsync();
        store.BeforeWrite = (_, cancellationToken) => Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
        Assert.Null(bench.Ask(network.Id, Alice));
        Task change = bench.UpdateAsync(network.Id, n => n with { Name = "new" });
        await bench.DisposeAsync().AsTask().WaitAsync(Limit, Token);
        await Assert.ThrowsAnyAsync<Exception>(() => change.WaitAsync(Limit, Token));
    }

    [Fact]
    public async Task A_removal_of_an_older_record_is_not_followed()
    {
        var store = new FeedStore(new MemoryControllerStore());
        await using var bench = await ControllerBench.StartAsync(store);
        ControllerNetwork network = await bench.CreateAsync();
        await bench.UpdateAsync(network.Id, n => n with { Name = "new" });
        await bench.AuthorizeAsync(network.Id, Alice);
        await bench.UpdateAsync(network.Id, Alice, m => m with { Name = "alice" });
        store.Feed(new NetworkRemoval(network.Id) { ExpectedRevision = 1 });
        store.Feed(new MemberRemoval(network.Id, Alice.Address) { ExpectedRevision = 1 });
        var marker = new NetworkId(network.Id.Value ^ 1);
        store.Feed(new NetworkWrite(new ControllerNetwork { Id = marker }) { ExpectedRevision = 0 });
        Assert.True(SpinWait.SpinUntil(() => bench.Controller.FindNetwork(marker) is not null, Limit));
        Assert.Equal("alice", bench.Controller.FindMember(network.Id, Alice.Address)?.Member.Name);
        Assert.Equal(0, bench.Controller.GetStatistics().Revocations);
    }

    [Fact]
    public async Task A_member_whose_change_could_not_be_written_is_told_when_the_store_is_back()
    {
        var store = new FeedStore(new MemoryControllerStore());
        await using var bench = await ControllerBench.StartAsync(store);
        ControllerNetwork network = await bench.CreateAsync();
        await bench.AuthorizeAsync(network.Id, Alice);
        bench.Ask(network.Id, Alice);
        bench.Port.Sent.Clear();
        store.BeforeWrite = (changes, _) => changes[0] is MemberWrite
            ? Task.FromException(new IOException("The disk is full."))
            : Task.CompletedTask;
        await bench.UpdateAsync(network.Id, n => n with { Tags = [new NetworkTag(1, 2)] });
        Assert.Empty(bench.Port.Sent);
        store.BeforeWrite = (_, _) => Task.CompletedTask;
        bench.Clock.Advance(TimeSpan.FromSeconds(6));
        Assert.Equal([(1U, 2U)], Assert.Single(bench.Port.Pushes).Configuration.Tags.Select(t => (t.Id, t.Value)));
    }

    [Fact]
    public async Task An_address_that_two_records_have_is_the_older_ones_in_whatever_order_they_come()
    {
        var store = new FeedStore(new MemoryControllerStore());
        await using var bench = await ControllerBench.StartAsync(store);
        ControllerNetwork network = await bench.CreateAsync(Addressing.Pool("10.0.0.1", "10.0.0.254"));
        await bench.AuthorizeAsync(network.Id, Bob);
        var address = bench.Ask(network.Id, Bob)!.Configuration.Addresses.Single().Address;
        bench.Port.Sent.Clear();
        var alice = new ControllerMember
        {
            Network = network.Id,
            Node = Alice.Address,
            Identity = Alice,
            CreationTime = bench.Clock.GetUtcNow() - TimeSpan.FromHours(1),
            IsAuthorized = true,
            Addresses = [address.ToIPAddress()],
        };
        store.Feed(new MemberWrite(alice) { ExpectedRevision = 0 });
        Assert.True(SpinWait.SpinUntil(() => bench.Controller.GetStatistics().Pushes == 1, TimeSpan.FromSeconds(10)), "Bob was not told.");
        Assert.DoesNotContain(address, Assert.Single(bench.Port.Pushes).Configuration.Addresses.Select(a => a.Address));
    }

    [Fact]
    public async Task Code_of_one_administrator_does_not_hold_up_another()
    {
        await using var bench = await ControllerBench.StartAsync();
        ControllerNetwork network = await bench.CreateAsync();
        using var entered = new ManualResetEventSlim();
        using var left = new ManualResetEventSlim();
        Task slow = Task.Run(
            () => bench.UpdateAsync(network.Id, n =>
            {
                entered.Set();
                left.Wait(Token);
                return n with { Name = "slow" };
            }),
            Token);
        entered.Wait(Token);
        try
        {
            await bench.UpdateAsync(network.Id, Alice, m => m with { Name = "alice" }).WaitAsync(TimeSpan.FromSeconds(20), Token);
        }
        finally
        {
            left.Set();
        }

        await slow;
        Assert.Equal("slow", bench.Controller.FindNetwork(network.Id)!.Name);
    }
}
