namespace ZeroTier.Controller;

/// <summary>
/// Where a controller keeps its networks and members. Thread-safe. Several controllers with one identity may share a store: all read and
/// write, and one at a time, which has the lease, speaks to members.
/// </summary>
public interface IControllerStore : IAsyncDisposable
{
    /// <summary>Makes the store ready: opens files, connects, brings the schema up to date. Called once, before anything else.</summary>
    /// <exception cref="InvalidOperationException">The store was written by a newer version, or is in use where only one may use it; the
    /// message says what to do.</exception>
    Task OpenAsync(CancellationToken cancellationToken);

    /// <summary>All networks, in any order.</summary>
    IAsyncEnumerable<ControllerNetwork> LoadNetworksAsync(CancellationToken cancellationToken);

    /// <summary>All members of all networks, in any order.</summary>
    IAsyncEnumerable<ControllerMember> LoadMembersAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Writes changes in one transaction: all or none. When the task completes they survive the death of the process and of the machine.
    /// </summary>
    /// <param name="changes">The changes, in order; each names the revision that it replaces.</param>
    /// <param name="audit">What the audit trail says of them.</param>
    /// <param name="cancellationToken">Ends the wait; the changes may then be written or not.</param>
    /// <exception cref="StoreConflictException">A record has another revision than a change expects, or the network of a member is missing.
    /// Nothing was written.</exception>
    Task WriteAsync(IReadOnlyList<StoreChange> changes, IReadOnlyList<AuditEntry> audit, CancellationToken cancellationToken);

    /// <summary>
    /// Waits until this process is the one that speaks to members, and until what other processes had written before has been read from
    /// <see cref="WatchAsync"/>, whose reader must not wait for this.
    /// </summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task<IControllerLease> AcquireAsync(CancellationToken cancellationToken);

    /// <summary>
    /// What other processes have written since the store was opened: all changes, in the order of the transactions that wrote them, over
    /// all records. What is read here may have been read by the load, too. A store for one process has nothing to tell, which is the
    /// default: it ends at once.
    /// </summary>
    /// <param name="cancellationToken">Ends it.</param>
    IAsyncEnumerable<StoreChange> WatchAsync(CancellationToken cancellationToken) => AsyncEnumerable.Empty<StoreChange>();

    /// <summary>The audit trail, newest first. A store may forget the oldest entries beyond a bound, which it documents.</summary>
    /// <param name="query">What to read.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    IAsyncEnumerable<AuditEntry> ReadAuditAsync(AuditQuery query, CancellationToken cancellationToken);
}
