using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace ZeroTier.Controller.Tests;

/// <summary>A store into which another process seems to write, and whose operations a test can hold up or let fail.</summary>
internal sealed class FeedStore(IControllerStore inner) : IControllerStore
{
    private readonly Channel<StoreChange> _feed = Channel.CreateUnbounded<StoreChange>();

    /// <summary>What happens before a write.</summary>
    public Func<IReadOnlyList<StoreChange>, CancellationToken, Task> BeforeWrite { get; set; } = (_, _) => Task.CompletedTask;

    /// <summary>What happens before an answer to how far time is reserved.</summary>
    public Action BeforeReservedTime { get; set; } = () => { };

    public void Feed(StoreChange change) => _feed.Writer.TryWrite(change);

    public Task OpenAsync(CancellationToken cancellationToken) => inner.OpenAsync(cancellationToken);

    public IAsyncEnumerable<ControllerNetwork> LoadNetworksAsync(CancellationToken cancellationToken) =>
        inner.LoadNetworksAsync(cancellationToken);

    public IAsyncEnumerable<ControllerMember> LoadMembersAsync(CancellationToken cancellationToken) =>
        inner.LoadMembersAsync(cancellationToken);

    public async Task WriteAsync(IReadOnlyList<StoreChange> changes, IReadOnlyList<AuditEntry> audit, CancellationToken cancellationToken)
    {
        await BeforeWrite(changes, cancellationToken);
        await inner.WriteAsync(changes, audit, cancellationToken);
    }

    public async Task<IControllerLease> AcquireAsync(CancellationToken cancellationToken) =>
        new Lease(this, await inner.AcquireAsync(cancellationToken));

    public async IAsyncEnumerable<StoreChange> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (StoreChange change in _feed.Reader.ReadAllAsync(cancellationToken))
        {
            yield return change;
        }
    }

    public IAsyncEnumerable<AuditEntry> ReadAuditAsync(AuditQuery query, CancellationToken cancellationToken) =>
        inner.ReadAuditAsync(query, cancellationToken);

    public ValueTask DisposeAsync() => inner.DisposeAsync();

    private sealed class Lease(FeedStore store, IControllerLease inner) : IControllerLease
    {
        public CancellationToken Lost => inner.Lost;

        public long ReservedTime
        {
            get
            {
                store.BeforeReservedTime();
                return inner.ReservedTime;
            }
        }

        public Task ReserveTimeAsync(long milliseconds, CancellationToken cancellationToken) =>
            inner.ReserveTimeAsync(milliseconds, cancellationToken);

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
