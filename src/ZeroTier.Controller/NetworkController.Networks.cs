using System.Security.Cryptography;
using ZeroTier.Controller.Members;

namespace ZeroTier.Controller;

/// <content>Changes of networks.</content>
public sealed partial class NetworkController
{
    private const int TokenLength = 32;
    private const int MaxAttempts = 10;

    /// <summary>Makes a network with an ID that is new.</summary>
    /// <param name="settings">Gives the network its settings; must be quick and must not call the controller.</param>
    /// <param name="actor">Who does it.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The network as it was made.</returns>
    /// <exception cref="InvalidOperationException">No node runs, whose address the ID begins with.</exception>
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
                    // Another process took the number.
                }
            }
        }
    }

    /// <summary>Makes a network.</summary>
    /// <param name="network">The network; its revision and times are set here.</param>
    /// <param name="actor">Who does it.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The network as it was made.</returns>
    /// <exception cref="ArgumentException">The ID is not of this controller, or a setting is out of its range; the message names
    /// it.</exception>
    /// <exception cref="StoreConflictException">There is such a network.</exception>
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

    /// <summary>Changes a network, and tells its members.</summary>
    /// <param name="id">The network.</param>
    /// <param name="change">Gives the new record of the present one; must be quick and must not call the controller. May be called again
    /// where somebody else changes the network at the same time.</param>
    /// <param name="expectedRevision">The revision that the change builds on; null for any.</param>
    /// <param name="actor">Who does it.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The network as it is now; the present record where nothing changed.</returns>
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

        // Where somebody else was first, the change is made anew, out of turn, as its code is not ours. Each round in vain is a change of
        // somebody else's.
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
    /// <param name="actor">Who does it.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
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

    /// <summary>Makes a join token: a secret that lets whoever presents it in.</summary>
    /// <param name="network">The network.</param>
    /// <param name="expires">Until when; null for ever.</param>
    /// <param name="actor">Who does it.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
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

    /// <summary>Takes a join token back. Members that it let in stay.</summary>
    /// <param name="network">The network.</param>
    /// <param name="token">The token.</param>
    /// <param name="actor">Who does it.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
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
