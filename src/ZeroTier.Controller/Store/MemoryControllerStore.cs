using System.Runtime.CompilerServices;

namespace ZeroTier.Controller;

/// <summary>
/// A store in memory, for tests and for networks that are created at each start of the process. Keeps the last 10,000 entries of the audit
/// trail. Remains usable after disposal, so that another controller can be opened on it. Thread-safe.
/// </summary>
public sealed class MemoryControllerStore : IControllerStore
{
    private const int MaxAuditEntries = 10_000;

    private readonly Lock _lock = new();
    private readonly Dictionary<NetworkId, ControllerNetwork> _networks = [];
    private readonly Dictionary<NetworkId, Dictionary<NodeId, ControllerMember>> _members = [];
    private readonly Queue<AuditEntry> _audit = [];
    private long _lastAuditId;
    private long _reservedTime;

    /// <inheritdoc />
    public Task OpenAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc />
    public async IAsyncEnumerable<ControllerNetwork> LoadNetworksAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ControllerNetwork[] networks;
        lock (_lock)
        {
            networks = [.. _networks.Values];
        }

        foreach (ControllerNetwork network in networks)
        {
            yield return network;
        }

        await Task.CompletedTask.ConfigureAwait(false);
    }

    /// <inheritdoc />
    public async IAsyncEnumerable<ControllerMember> LoadMembersAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ControllerMember[] members;
        lock (_lock)
        {
            members = [.. _members.Values.SelectMany(m => m.Values)];
        }

        foreach (ControllerMember member in members)
        {
            yield return member;
        }

        await Task.CompletedTask.ConfigureAwait(false);
    }

    /// <inheritdoc />
    public Task WriteAsync(IReadOnlyList<StoreChange> changes, IReadOnlyList<AuditEntry> audit, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(changes);
        ArgumentNullException.ThrowIfNull(audit);
        lock (_lock)
        {
            var undo = new Stack<Action>();
            try
            {
                foreach (StoreChange change in changes)
                {
                    Apply(change, undo);
                }
            }
            catch (StoreConflictException conflict)
            {
                while (undo.TryPop(out Action? step))
                {
                    step();
                }

                return Task.FromException(conflict);
            }

            foreach (AuditEntry entry in audit)
            {
                _audit.Enqueue(entry with { Id = ++_lastAuditId });
                if (_audit.Count > MaxAuditEntries)
                {
                    _audit.Dequeue();
                }
            }
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public Task<IControllerLease> AcquireAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            return Task.FromResult<IControllerLease>(new Lease(this, _reservedTime));
        }
    }

    /// <inheritdoc />
    public async IAsyncEnumerable<AuditEntry> ReadAuditAsync(AuditQuery query, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(query);
        AuditEntry[] entries;
        lock (_lock)
        {
            entries = [.. _audit.Reverse()
                .Where(e => (query.Network is null || e.Network == query.Network) && (query.Member is null || e.Member == query.Member) &&
                    (query.Before is null || e.Id < query.Before))
                .Take(query.Limit)];
        }

        foreach (AuditEntry entry in entries)
        {
            yield return entry;
        }

        await Task.CompletedTask.ConfigureAwait(false);
    }

    /// <summary>Does nothing: the records are kept, as in a file.</summary>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    // Guarded by the lock.
    private void Apply(StoreChange change, Stack<Action> undo)
    {
        ControllerNetwork? network = _networks.GetValueOrDefault(change.NetworkId);
        Dictionary<NodeId, ControllerMember>? members = _members.GetValueOrDefault(change.NetworkId);
        switch (change)
        {
            case NetworkWrite write:
                Expect(change, network?.Revision ?? 0);
                _networks[write.NetworkId] = write.Network;
                _members.TryAdd(write.NetworkId, []);
                undo.Push(() => Restore(change.NetworkId, network, members));
                break;
            case NetworkRemoval:
                Expect(change, network?.Revision ?? 0);
                _networks.Remove(change.NetworkId);
                _members.Remove(change.NetworkId);
                undo.Push(() => Restore(change.NetworkId, network, members));
                break;
            case MemberWrite write:
                ControllerMember? before = members?.GetValueOrDefault(write.Member.Node);
                Expect(change, before?.Revision ?? 0);
                if (members is null)
                {
                    throw new StoreConflictException($"Network {change.NetworkId} of member {write.Member.Node} does not exist.");
                }

                members[write.Member.Node] = write.Member;
                undo.Push(() => Restore(members, write.Member.Node, before));
                break;
            case MemberRemoval removal:
                before = members?.GetValueOrDefault(removal.Node);
                Expect(change, before?.Revision ?? 0);
                members!.Remove(removal.Node);
                undo.Push(() => Restore(members, removal.Node, before));
                break;
        }
    }

    private void Restore(NetworkId id, ControllerNetwork? network, Dictionary<NodeId, ControllerMember>? members)
    {
        if (network is null)
        {
            _networks.Remove(id);
            _members.Remove(id);
        }
        else
        {
            _networks[id] = network;
            _members[id] = members!;
        }
    }

    private static void Restore(Dictionary<NodeId, ControllerMember> members, NodeId node, ControllerMember? member)
    {
        if (member is null)
        {
            members.Remove(node);
        }
        else
        {
            members[node] = member;
        }
    }

    private static void Expect(StoreChange change, long found)
    {
        // Removing a record that does not exist is a conflict, too.
        if (found != change.ExpectedRevision || (found == 0 && change is NetworkRemoval or MemberRemoval))
        {
            throw new StoreConflictException(change, found);
        }
    }

    private sealed class Lease(MemoryControllerStore store, long reservedTime) : IControllerLease
    {
        public CancellationToken Lost => CancellationToken.None;

        public long ReservedTime => reservedTime;

        public Task ReserveTimeAsync(long milliseconds, CancellationToken cancellationToken)
        {
            lock (store._lock)
            {
                store._reservedTime = Math.Max(store._reservedTime, milliseconds);
            }

            return Task.CompletedTask;
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
