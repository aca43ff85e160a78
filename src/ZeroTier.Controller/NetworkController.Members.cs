using System.Net;
using ZeroTier.Controller.Members;
using ZeroTier.Managed.Net;

namespace ZeroTier.Controller;

/// <content>Changes of members.</content>
public sealed partial class NetworkController
{
    /// <summary>
    /// Changes a member, and informs it. Creates the member if it does not exist, so that nodes can be authorised before they request to
    /// join.
    /// </summary>
    /// <param name="network">The network.</param>
    /// <param name="node">The node.</param>
    /// <param name="change">Returns the new record for the current one; must be quick and must not call the controller. Called again when
    /// the member was changed concurrently. Times and source of the authorisation are derived from
    /// <see cref="ControllerMember.IsAuthorized"/>.</param>
    /// <param name="expectedRevision">The revision that the change is based on, 0 for a member that does not exist; null for any.</param>
    /// <param name="actor">Who makes the change, for the audit trail.</param>
    /// <param name="cancellationToken">Cancels waiting for other changes; not the write itself.</param>
    /// <returns>The member after the change; the current record when nothing changed.</returns>
    /// <exception cref="KeyNotFoundException">There is no such network.</exception>
    /// <exception cref="ArgumentException">A setting is out of its range, or an address that is added belongs to another member; the
    /// message names it.</exception>
    /// <exception cref="StoreConflictException">The member has another revision.</exception>
    public async Task<ControllerMember> UpdateMemberAsync(
        NetworkId network, NodeId node, Func<ControllerMember, ControllerMember> change, long? expectedRevision, Actor actor,
            CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(change);
        ArgumentNullException.ThrowIfNull(actor);
        if (node.IsReserved)
        {
            throw new ArgumentException($"{node} is no node's address.", nameof(node));
        }

        // Optimistic concurrency: the delegate is application code, so it runs without the turn, and again if the record changed meanwhile.
        // Each repetition means that another change succeeded, so there is progress.
        while (true)
        {
            NetworkState state = Find(network);
            ControllerMember? before = state.Members.GetValueOrDefault(node)?.Record;
            long revision = before?.Revision ?? 0;
            ControllerMember basis = before
                ?? new ControllerMember { Network = network, Node = node, Revision = 0, CreationTime = _time.GetUtcNow() };
            ControllerMember after = change(basis) with
            {
                Network = network,
                Node = node,
                Revision = revision + 1,
                CreationTime = basis.CreationTime,
            };
            after = WithAuthorization(basis, after);
            RecordCheck.Check(after);
            var write = new MemberWrite(after) { ExpectedRevision = revision };
            if (expectedRevision is { } expected && expected != revision)
            {
                throw new StoreConflictException(write with { ExpectedRevision = expected }, revision);
            }

            if (before is not null && ControllerJson.AreSame(before, after))
            {
                return before;
            }

            await TakeTurnAsync(cancellationToken).ConfigureAwait(false);
            try
            {
                if (ReferenceEquals(Find(network), state) && ReferenceEquals(state.Members.GetValueOrDefault(node)?.Record, before))
                {
                    CheckAddresses(state, basis, after);
                    AuditEntry entry = Audit(actor, ActionOf(basis, after), network, node, DetailOf(state, before, after));
                    await _store.WriteAsync([write], [entry], _end.Token).ConfigureAwait(false);
                    await CommitAsync(state, after).ConfigureAwait(false);
                    return after;
                }
            }
            finally
            {
                ReleaseTurn();
            }
        }
    }

    /// <summary>
    /// Deletes a member, and revokes its certificate. If the node requests its configuration again, it is recorded anew: as not authorised,
    /// or, on a public network, as a member.
    /// </summary>
    /// <param name="network">The network.</param>
    /// <param name="node">The node.</param>
    /// <param name="expectedRevision">The revision that is to be deleted; null for any.</param>
    /// <param name="actor">Who makes the change, for the audit trail.</param>
    /// <param name="cancellationToken">Cancels waiting for other changes; not the write itself.</param>
    /// <exception cref="KeyNotFoundException">There is no such network or member.</exception>
    /// <exception cref="StoreConflictException">The member has another revision.</exception>
    public async Task DeleteMemberAsync(
        NetworkId network, NodeId node, long? expectedRevision, Actor actor, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(actor);
        await TakeTurnAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            MemberState member = Find(network).Members.GetValueOrDefault(node)
                ?? throw new KeyNotFoundException($"Network {network} has no member {node}. Check the address.");
            long revision = member.Record.Revision;
            var change = new MemberRemoval(network, node) { ExpectedRevision = revision };
            if (expectedRevision is { } expected && expected != revision)
            {
                throw new StoreConflictException(change with { ExpectedRevision = expected }, revision);
            }

            await _store.WriteAsync([change], [Audit(actor, "member.delete", network, node, member.Record.Name ?? "")],
                _end.Token).ConfigureAwait(false);
            await CommitRemovalAsync(member).ConfigureAwait(false);
        }
        finally
        {
            ReleaseTurn();
        }
    }

    private ControllerMember WithAuthorization(ControllerMember before, ControllerMember after)
    {
        if (before.IsAuthorized == after.IsAuthorized)
        {
            return after;
        }

        return after.IsAuthorized
            ? Admission.Authorize(after, AuthorizationSource.Administrator, null, _time.GetUtcNow())
            : after with { LastDeauthorizedTime = _time.GetUtcNow() };
    }

    // The changed settings and, if the new name conflicts with other members' names, those members.
    private static string DetailOf(NetworkState network, ControllerMember? before, ControllerMember after)
    {
        string changed = before is null ? "" : ChangedSettings.Between(before, after);
        HashSet<string> labels = LabelsOf(after);
        NodeId[] namesakes = network.Record.ServesNames && !labels.SetEquals(LabelsOf(before))
            ? [.. network.Labels.RivalsOf(after.Node, labels)]
            : [];
        return namesakes.Length == 0 ? changed : $"{changed} (the name is that of {string.Join(", ", namesakes.Take(4))}, too)".TrimStart();
    }

    private static void CheckAddresses(NetworkState network, ControllerMember before, ControllerMember after)
    {
        foreach (IPAddress address in after.Addresses)
        {
            if (!before.Addresses.Contains(address)
                && network.Addresses.HolderOf(IpAddress.From(address)) is { } holder
                && holder != after.Node)
            {
                throw new ArgumentException(
                    $"Address {address} belongs to member {holder} of network {network.Id}. Take it from there first, or choose another.");
            }
        }
    }

    private static string ActionOf(ControllerMember before, ControllerMember after) => (before.IsAuthorized, after.IsAuthorized) switch
    {
        (false, true) => "member.authorize",
        (true, false) => "member.deauthorize",
        _ => before.Revision == 0 ? "member.create" : "member.update",
    };
}
