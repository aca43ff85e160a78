namespace ZeroTier.Controller.Tests;

/// <summary>A store whose writes are counted, and can fail.</summary>
internal sealed class CountingStore(IControllerStore inner) : IControllerStore
{
    public int Changes { get; private set; }

    public bool Fails { get; set; }

    public Task OpenAsync(CancellationToken cancellationToken) => inner.OpenAsync(cancellationToken);

    public IAsyncEnumerable<ControllerNetwork> LoadNetworksAsync(CancellationToken cancellationToken) =>
        inner.LoadNetworksAsync(cancellationToken);

    public IAsyncEnumerable<ControllerMember> LoadMembersAsync(CancellationToken cancellationToken) =>
        inner.LoadMembersAsync(cancellationToken);

    public Task WriteAsync(IReadOnlyList<StoreChange> changes, IReadOnlyList<AuditEntry> audit, CancellationToken cancellationToken)
    {
        Changes += changes.Count;
        return Fails ? Task.FromException(new IOException("The disk is full.")) : inner.WriteAsync(changes, audit, cancellationToken);
    }

    public Task<IControllerLease> AcquireAsync(CancellationToken cancellationToken) => inner.AcquireAsync(cancellationToken);

    public IAsyncEnumerable<StoreChange> WatchAsync(CancellationToken cancellationToken) => inner.WatchAsync(cancellationToken);

    public IAsyncEnumerable<AuditEntry> ReadAuditAsync(AuditQuery query, CancellationToken cancellationToken) =>
        inner.ReadAuditAsync(query, cancellationToken);

    public ValueTask DisposeAsync() => inner.DisposeAsync();
}
