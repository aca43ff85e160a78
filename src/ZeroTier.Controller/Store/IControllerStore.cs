namespace ZeroTier.Controller;

/// <summary>
/// The store of a controller's networks and members. Thread-safe. Several controllers with the same identity may share a store: all can
/// read and write, and one at a time, which holds the lease, serves members.
/// </summary>
public interface IControllerStore : IAsyncDisposable
{
    /// <summary>Prepares the store: opens files, connects, updates the schema. Called once, before all other members.</summary>
    /// <exception cref="InvalidOperationException">The store was written by a newer version, or is for one process and already in use; the
    /// message gives the remedy.</exception>
    Task OpenAsync(CancellationToken cancellationToken);

    /// <summary>All networks, in any order.</summary>
    IAsyncEnumerable<ControllerNetwork> LoadNetworksAsync(CancellationToken cancellationToken);

    /// <summary>All members of all networks, in any order.</summary>
    IAsyncEnumerable<ControllerMember> LoadMembersAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Writes changes in one transaction. When the task completes, they are durable: they survive a crash of the process and of the
    /// machine.
    /// </summary>
    /// <param name="changes">The changes, in order; each contains the revision that it replaces.</param>
    /// <param name="audit">The entries for the audit trail.</param>
    /// <param name="cancellationToken">Cancels waiting; the changes may then have been written or not.</param>
    /// <exception cref="StoreConflictException">A record has another revision than a change expects, or the network of a member is missing.
    /// Nothing was written.</exception>
    Task WriteAsync(IReadOnlyList<StoreChange> changes, IReadOnlyList<AuditEntry> audit, CancellationToken cancellationToken);

    /// <summary>
    /// Waits until this process holds the lease, and until the changes that other processes wrote before have been read from
    /// <see cref="WatchAsync"/>. The reader of that must not wait for this task.
    /// </summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task<IControllerLease> AcquireAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Returns the changes that other processes have written since the store was opened, to all records, in the order of their
    /// transactions. May repeat changes that are already part of the loaded records. The default, for stores of a single process, is an
    /// empty sequence.
    /// </summary>
    /// <param name="cancellationToken">Ends the sequence.</param>
    IAsyncEnumerable<StoreChange> WatchAsync(CancellationToken cancellationToken) => AsyncEnumerable.Empty<StoreChange>();

    /// <summary>Reads the audit trail, newest first. A store may delete the oldest entries beyond a documented limit.</summary>
    /// <param name="query">The filter.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    IAsyncEnumerable<AuditEntry> ReadAuditAsync(AuditQuery query, CancellationToken cancellationToken);
}
