using System.Runtime.CompilerServices;
using System.Threading.Channels;
using ZeroTier.Managed;

namespace ZeroTier.Controller.Tests;

/// <summary>Two controllers with one identity on one store: one speaks to members, both take changes.</summary>
public class StandbyTests
{
    private static readonly NodeIdentity Alice = TestIdentities.All[1];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_standby_is_silent_and_its_changes_reach_members_through_the_active_one()
    {
        var shared = new SharedStore();
        await using var active = await ControllerBench.StartAsync(shared.Open());
        await using var standby = await ControllerBench.StartAsync(shared.Open());
        Assert.True(active.Controller.IsActive);
        Assert.False(standby.Controller.IsActive);
        ControllerNetwork network = await standby.CreateAsync();
        await UntilAsync(() => active.Controller.FindNetwork(network.Id) is not null);
        Assert.Null(standby.Ask(network.Id, Alice));
        Assert.Equal(ControllerRefusal.AccessDenied, active.Ask(network.Id, Alice)!.Refusal);
        await UntilAsync(() => standby.Controller.FindMember(network.Id, Alice.Address) is not null);

        await standby.AuthorizeAsync(network.Id, Alice);
        await UntilAsync(() => active.Controller.GetStatistics().Pushes == 1);
        await standby.UpdateAsync(network.Id, Alice, m => m with { IsAuthorized = false });
        await UntilAsync(() => active.Controller.GetStatistics().Revocations == 1);
        await standby.Controller.DeleteNetworkAsync(network.Id, null, ControllerBench.Admin, Token);
        await UntilAsync(() => active.Controller.Networks.Count == 0);
        Assert.Empty(standby.Port.Sent);
    }

    [Fact]
    public async Task Who_has_lost_the_lease_signs_nothing_more_and_the_next_one_goes_on_with_later_time_stamps()
    {
        var shared = new SharedStore();
        await using var first = await ControllerBench.StartAsync(shared.Open());
        ControllerNetwork network = await first.CreateAsync();
        await first.AuthorizeAsync(network.Id, Alice);
        first.Clock.WallClockSet = TimeSpan.FromDays(1);
        ulong before = first.Ask(network.Id, Alice)!.Configuration.Timestamp;
        await using var second = await ControllerBench.StartAsync(shared.Open());
        shared.Revoke();
        await UntilAsync(() => second.Controller.IsActive);
        int sent = first.Port.Sent.Count;
        Assert.Null(first.AskLater(network.Id, Alice));
        await first.UpdateAsync(network.Id, n => n with { Name = "new" });
        Assert.Equal(sent, first.Port.Sent.Count);
        await UntilAsync(() => second.Controller.FindNetwork(network.Id)!.Name == "new");
        Assert.True(second.Ask(network.Id, Alice)!.Configuration.Timestamp > before);
    }

    [Fact]
    public async Task Changes_of_both_sides_at_once_are_all_kept()
    {
        var shared = new SharedStore();
        await using var first = await ControllerBench.StartAsync(shared.Open());
        await using var second = await ControllerBench.StartAsync(shared.Open());
        ControllerNetwork network = await first.CreateAsync();
        await UntilAsync(() => second.Controller.FindNetwork(network.Id) is not null);
        await Task.WhenAll(new[] { first, second }.Select((bench, side) => Task.Run(
            async () =>
            {
                for (uint i = 0; i < 50;)
                {
                    try
                    {
                        await bench.UpdateAsync(network.Id, n => n with { Tags = n.Tags.Add(new NetworkTag(((uint)side * 50) + i)) });
                        i++;
                    }
                    catch (StoreConflictException)
                    {
                        await Task.Yield();
                    }
                }
            },
            Token)));
        await UntilAsync(
            () => first.Controller.FindNetwork(network.Id)!.Tags.Length == 100
                && second.Controller.FindNetwork(network.Id)!.Tags.Length == 100);
        Assert.Equal(101, second.Controller.FindNetwork(network.Id)!.Revision);
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Token);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        while (!condition())
        {
            await Task.Delay(5, limit.Token);
        }
    }

    /// <summary>One store, opened by several processes.</summary>
    private sealed class SharedStore
    {
        private readonly MemoryControllerStore _inner = new();
        private readonly List<View> _views = [];
        private readonly SemaphoreSlim _lease = new(1, 1);
        private CancellationTokenSource? _holder;

        public IControllerStore Open()
        {
            var view = new View(this);
            lock (_views)
            {
                _views.Add(view);
            }

            return view;
        }

        /// <summary>The lease goes to the next one, as when the connection of its holder breaks.</summary>
        public void Revoke()
        {
            _holder!.Cancel();
            _lease.Release();
        }

        private sealed class View(SharedStore shared) : IControllerStore
        {
            private readonly Channel<StoreChange> _changes = Channel.CreateUnbounded<StoreChange>();

            public Task OpenAsync(CancellationToken cancellationToken) => Task.CompletedTask;

            public IAsyncEnumerable<ControllerNetwork> LoadNetworksAsync(CancellationToken cancellationToken) =>
                shared._inner.LoadNetworksAsync(cancellationToken);

            public IAsyncEnumerable<ControllerMember> LoadMembersAsync(CancellationToken cancellationToken) =>
                shared._inner.LoadMembersAsync(cancellationToken);

            public async Task WriteAsync(
                IReadOnlyList<StoreChange> changes, IReadOnlyList<AuditEntry> audit, CancellationToken cancellationToken)
            {
                await shared._inner.WriteAsync(changes, audit, cancellationToken);
                lock (shared._views)
                {
                    foreach (View other in shared._views.Where(v => v != this))
                    {
                        foreach (StoreChange change in changes)
                        {
                            other._changes.Writer.TryWrite(change);
                        }
                    }
                }
            }

            public async Task<IControllerLease> AcquireAsync(CancellationToken cancellationToken)
            {
                await shared._lease.WaitAsync(cancellationToken);
                shared._holder = new CancellationTokenSource();
                return new Lease(await shared._inner.AcquireAsync(cancellationToken), shared._holder.Token);
            }

            public async IAsyncEnumerable<StoreChange> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken)
            {
                await foreach (StoreChange change in _changes.Reader.ReadAllAsync(cancellationToken))
                {
                    yield return change;
                }
            }

            public IAsyncEnumerable<AuditEntry> ReadAuditAsync(AuditQuery query, CancellationToken cancellationToken) =>
                shared._inner.ReadAuditAsync(query,
                    cancellationToken);

            public ValueTask DisposeAsync() => ValueTask.CompletedTask;
        }

        private sealed class Lease(IControllerLease inner, CancellationToken lost) : IControllerLease
        {
            public CancellationToken Lost => lost;

            public long ReservedTime => inner.ReservedTime;

            public Task ReserveTimeAsync(long milliseconds, CancellationToken cancellationToken) =>
                inner.ReserveTimeAsync(milliseconds, cancellationToken);

            public ValueTask DisposeAsync() => ValueTask.CompletedTask;
        }
    }
}
