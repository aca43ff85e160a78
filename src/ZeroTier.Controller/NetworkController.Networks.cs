using System.Security.Cryptography;
using ZeroTier.Controller.Members;

namespace ZeroTier.Controller;

/// <content>Changes of networks.</content>
public sealed partial class NetworkController
{
    private const int TokenLength = 32;
    private const int MaxAttempts = 10;

    /// <summary>Creates a network with a new ID.</summary>
    /// <param name="settings">Returns the network with its settings; must be quick and must not call the controller.</param>
    /// <param name="actor">Who makes the change, for the audit trail.</param>
    /// <param name="cancellationToken">Cancels waiting for other changes; not the write itself.</param>
    /// <returns>The created network.</returns>
    /// <exception cref="InvalidOperationException">No node runs; the ID begins with the node's address.</exception>
    /// <exception cref="ArgumentException">A setting is out of its range; the message names it.</exception>
    public async Task<ControllerNetwork> CreateNetworkAsync(
        Func<ControllerNetwork, ControllerNetwork> settings, Actor actor, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(settings);
        NodeId node = Node
            ?? throw new InvalidOperationException(
                "No node runs with this controller, and the ID of a network begins with the node's address. Start the node first.");
        for (int attempt = 1; ; attempt++)
        {
            uint number = (uint)_options.RandomSource.NextUInt64() & 0xff_ffff;
            var id = new NetworkId((node.Value << 24) | number);
            if (number != 0 && !_networks.ContainsKey(id))
            {
                try
                {
                    return await CreateNetworkAsync(settings(new ControllerNetwork { Id = id }) with { Id = id }, actor,
                        cancellationToken).ConfigureAwait(false);
                }
                catch (StoreConflictException) when (attempt < MaxAttempts)
                {
                    // Another process has created a network with this ID.
                }
            }
        }
    }

    /// <summary>Creates a network with a given ID.</summary>
    /// <param name="network">The network; its revision and times are set here.</param>
    /// <param name="actor">Who makes the change, for the audit trail.</param>
    /// <param name="cancellationToken">Cancels waiting for other changes; not the write itself.</param>
    /// <returns>The created network.</returns>
    /// <exception cref="ArgumentException">The ID does not belong to this controller, or a setting is out of its range; the message names
    /// it.</exception>
    /// <exception cref="StoreConflictException">The network already exists.</exception>
    public async Task<ControllerNetwork> CreateNetworkAsync(
        ControllerNetwork network, Actor actor, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(actor);
        RecordCheck.Check(network);
        if (network.Id.IsAdHoc || (Node is { } node && network.Id.Controller != node))
        {
            throw new ArgumentException(
                $"Network {network.Id} cannot be this controller's: the ID must begin with the node's address, {Node}.",
                    nameof(network));
        }

        await TakeTurnAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ControllerNetwork created = network with { Revision = 1, CreationTime = _time.GetUtcNow() };
            var change = new NetworkWrite(created) { ExpectedRevision = 0 };
            if (_networks.TryGetValue(network.Id, out NetworkState? existing))
            {
                throw new StoreConflictException(change, existing.Record.Revision);
            }

            await _store.WriteAsync(
                [change], [Audit(actor, "network.create", created.Id, null, created.Name)], _end.Token).ConfigureAwait(false);
            Commit(created);
            return created;
        }
        finally
        {
            ReleaseTurn();
        }
    }

    /// <summary>Changes a network, and informs its members.</summary>
    /// <param name="id">The network.</param>
    /// <param name="change">Returns the new record for the current one; must be quick and must not call the controller. Called again when
    /// the network was changed concurrently.</param>
    /// <param name="expectedRevision">The revision that the change is based on; null for any.</param>
    /// <param name="actor">Who makes the change, for the audit trail.</param>
    /// <param name="cancellationToken">Cancels waiting for other changes; not the write itself.</param>
    /// <returns>The network after the change; the current record when nothing changed.</returns>
    /// <exception cref="KeyNotFoundException">There is no such network.</exception>
    /// <exception cref="ArgumentException">A setting is out of its range; the message names it.</exception>
    /// <exception cref="StoreConflictException">The network has another revision.</exception>
    public async Task<ControllerNetwork> UpdateNetworkAsync(
        NetworkId id,
        Func<ControllerNetwork, ControllerNetwork> change,
        long? expectedRevision,
        Actor actor,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(change);
        ArgumentNullException.ThrowIfNull(actor);

        // Optimistic concurrency: the delegate is application code, so it runs without the turn, and again if the record changed meanwhile.
        // Each repetition means that another change succeeded, so there is progress.
        while (true)
        {
            NetworkState network = Find(id);
            ControllerNetwork before = network.Record;
            ControllerNetwork after = change(before) with { Id = id, CreationTime = before.CreationTime, Revision = before.Revision + 1 };
            RecordCheck.Check(after);
            var write = new NetworkWrite(after) { ExpectedRevision = before.Revision };
            if (expectedRevision is { } expected && expected != before.Revision)
            {
                throw new StoreConflictException(write with { ExpectedRevision = expected }, before.Revision);
            }

            if (ControllerJson.AreSame(before, after))
            {
                return before;
            }

            await TakeTurnAsync(cancellationToken).ConfigureAwait(false);
            try
            {
                if (ReferenceEquals(network.Record, before) && ReferenceEquals(Find(id), network))
                {
                    AuditEntry entry = Audit(actor, "network.update", id, null, ChangedSettings.Between(before, after));
                    await _store.WriteAsync([write], [entry], _end.Token).ConfigureAwait(false);
                    Commit(after);
                    return after;
                }
            }
            finally
            {
                ReleaseTurn();
            }
        }
    }

    /// <summary>Deletes a network with its members, and revokes their certificates.</summary>
    /// <param name="id">The network.</param>
    /// <param name="expectedRevision">The revision that is to be deleted; null for any.</param>
    /// <param name="actor">Who makes the change, for the audit trail.</param>
    /// <param name="cancellationToken">Cancels waiting for other changes; not the write itself.</param>
    /// <exception cref="KeyNotFoundException">There is no such network.</exception>
    /// <exception cref="StoreConflictException">The network has another revision.</exception>
    public async Task DeleteNetworkAsync(NetworkId id, long? expectedRevision, Actor actor, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(actor);
        await TakeTurnAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            NetworkState network = Find(id);
            var change = new NetworkRemoval(id) { ExpectedRevision = network.Record.Revision };
            if (expectedRevision is { } expected && expected != network.Record.Revision)
            {
                throw new StoreConflictException(change with { ExpectedRevision = expected }, network.Record.Revision);
            }

            await _store.WriteAsync(
                [change], [Audit(actor, "network.delete", id, null, network.Record.Name)], _end.Token).ConfigureAwait(false);
            await CommitRemovalAsync(network).ConfigureAwait(false);
        }
        finally
        {
            ReleaseTurn();
        }
    }

    /// <summary>Creates a join token: a secret that authorises any node that presents it.</summary>
    /// <param name="network">The network.</param>
    /// <param name="expires">When the token expires; null for never.</param>
    /// <param name="actor">Who makes the change, for the audit trail.</param>
    /// <param name="cancellationToken">Cancels waiting for other changes; not the write itself.</param>
    /// <returns>The token, 32 characters.</returns>
    /// <exception cref="KeyNotFoundException">There is no such network.</exception>
    public async Task<string> CreateJoinTokenAsync(
        NetworkId network, DateTimeOffset? expires, Actor actor, CancellationToken cancellationToken = default)
    {
        byte[] random = new byte[TokenLength / 2];
        _options.RandomSource.Fill(random);
        string token = Convert.ToHexStringLower(random);
        CryptographicOperations.ZeroMemory(random);
        await UpdateNetworkAsync(
            network, n => n with { JoinTokens = n.JoinTokens.Add(token, expires) }, null, actor, cancellationToken).ConfigureAwait(false);
        return token;
    }

    /// <summary>Revokes a join token. Members that were authorised by it remain authorised.</summary>
    /// <param name="network">The network.</param>
    /// <param name="token">The token.</param>
    /// <param name="actor">Who makes the change, for the audit trail.</param>
    /// <param name="cancellationToken">Cancels waiting for other changes; not the write itself.</param>
    /// <exception cref="KeyNotFoundException">There is no such network.</exception>
    public async Task RevokeJoinTokenAsync(NetworkId network, string token, Actor actor, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(token);
        await UpdateNetworkAsync(
            network, n => n with { JoinTokens = n.JoinTokens.Remove(token) }, null, actor, cancellationToken).ConfigureAwait(false);
    }

    private AuditEntry Audit(Actor actor, string action, NetworkId network, NodeId? member, string detail) => new()
    {
        Time = _time.GetUtcNow(),
        Actor = actor,
        Action = action,
        Network = network,
        Member = member,
        Detail = detail,
    };
}
