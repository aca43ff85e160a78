using ZeroTier.Controller.Members;
using ZeroTier.Controller.Names;
using ZeroTier.Managed;
using ZeroTier.Managed.Vl2.Credentials;

namespace ZeroTier.Controller;

/// <content>Applies a change once it is durable in the store: updates the state in memory, publishes events, and informs members. The
/// caller holds the turn (<c>_turn</c>).</content>
public sealed partial class NetworkController
{
    // When a network is deleted, each member's certificate is revoked at every other member that is online. Limits the number of messages;
    // without a revocation a certificate expires with its window.
    private const int MaxRevocations = 4096;

    private void Commit(ControllerNetwork network)
    {
        if (_networks.TryGetValue(network.Id, out NetworkState? state))
        {
            bool beginsNames = network.ServesNames && !state.Record.ServesNames;
            state.Record = network;
            if (beginsNames)
            {
                LogNamesakes(state);
            }

            PushToAll(state);
        }
        else
        {
            _networks[network.Id] = new NetworkState(network);
        }

        _events.Publish(new NetworkChanged(network));
    }

    private async ValueTask CommitRemovalAsync(NetworkState network)
    {
        _networks.TryRemove(network.Id, out _);
        _events.Publish(new NetworkDeleted(network.Id));
        MemberState[] members = [.. network.Members.Values.Where(m => m.Record.IsAuthorized)];
        long now = Now;
        int online = members.Count(m => m.IsOnline(now, OnlineTimeout));
        await RevokeAsync(
            network, [.. members.Take(Math.Min(RevocationList.MaxEntries, MaxRevocations / Math.Max(1, online)))]).ConfigureAwait(false);
    }

    private async ValueTask CommitAsync(NetworkState network, ControllerMember record)
    {
        ControllerMember? before = network.Members.GetValueOrDefault(record.Node)?.Record;
        MemberState member = Take(network, record);
        _events.Publish(new MemberChanged(record));
        LogNamesakes(network, before, record);
        bool wasBridge = before is { IsAuthorized: true, IsActiveBridge: true };
        if (IsNameServer(member) || wasBridge != record is { IsAuthorized: true, IsActiveBridge: true })
        {
            PushToAll(network);
        }

        // Another process may have assigned an address that a member here already has. The older record keeps the address; the other member
        // gets a new one.
        foreach (NodeId rival in network.Addresses.RivalsOf(record))
        {
            Push(network.Members[rival]);
        }

        if (record.IsAuthorized)
        {
            Push(member);
        }
        else if (before?.IsAuthorized == true)
        {
            await RevokeAsync(network, member).ConfigureAwait(false);
        }
    }

    private async ValueTask CommitRemovalAsync(MemberState member)
    {
        Drop(member);
        _events.Publish(new MemberDeleted(member.Network.Id, member.Node));
        if (member.Record.IsAuthorized)
        {
            if (member.Record.IsActiveBridge || IsNameServer(member))
            {
                PushToAll(member.Network);
            }

            await RevokeAsync(member.Network, member).ConfigureAwait(false);
        }
    }

    // Puts a record into memory, and updates the tables derived from it.
    private static MemberState Take(NetworkState network, ControllerMember record)
    {
        if (network.Members.TryGetValue(record.Node, out MemberState? member))
        {
            ControllerMember before = member.Record;
            network.Addresses.Replace(record, before.Addresses, record.Addresses);
            network.Labels.Replace(record, LabelsOf(before), LabelsOf(record));
            network.StrangerCount -= member.IsStranger ? 1 : 0;
            member.Record = record;
            if (IsNameServer(member) || (before.IsAuthorized && before.IsActiveBridge) != (record.IsAuthorized && record.IsActiveBridge))
            {
                network.ForgetEncoded();
            }
        }
        else
        {
            network.Members[record.Node] = member = new MemberState(network, record);
            network.Addresses.Replace(record, [], record.Addresses);
            network.Labels.Replace(record, LabelsOf(null), LabelsOf(record));
            network.ForgetEncoded();
        }

        if (record.IsAuthorized)
        {
            network.Revocations.Remove(record.Node);
        }

        network.StrangerCount += member.IsStranger ? 1 : 0;
        return member;
    }

    private static void Drop(MemberState member)
    {
        NetworkState network = member.Network;
        network.Members.TryRemove(member.Node, out _);
        network.Addresses.Replace(member.Record, member.Record.Addresses, []);
        network.Labels.Replace(member.Record, LabelsOf(member.Record), LabelsOf(null));
        network.StrangerCount -= member.IsStranger ? 1 : 0;
        network.ForgetEncoded();
    }

    private static HashSet<string> LabelsOf(ControllerMember? member) =>
        member is { IsAuthorized: true } && MemberLabel.Of(member.Name) is { } label ? [label] : [];

    // The controller's own node is the name server; its addresses are in the other members' configurations.
    private static bool IsNameServer(MemberState member) =>
        member.Network.Record.ServesNames && member.Node == member.Network.Id.Controller;

    private void LogNamesakes(NetworkState network, ControllerMember? before, ControllerMember member)
    {
        string? label = LabelsOf(member).FirstOrDefault();
        if (!network.Record.ServesNames
            || label is null
            || label == LabelsOf(before).FirstOrDefault()
            || network.Labels.HolderOf(label) is not { } holder)
        {
            return;
        }

        foreach (NodeId rival in network.Labels.RivalsOf(member.Node, [label]))
        {
            NodeId other = holder == member.Node ? rival : member.Node;
            NameServiceLog.NameTwice(_log, holder, other, network.Id, label, network.Names.Domain ?? "");
        }
    }

    // Called when the network begins to serve names.
    private void LogNamesakes(NetworkState network)
    {
        foreach (ControllerMember member in network.Members.Values.Select(m => m.Record))
        {
            if (LabelsOf(member).FirstOrDefault() is { } label && network.Labels.HolderOf(label) is { } holder && holder != member.Node)
            {
                NameServiceLog.NameTwice(_log, holder, member.Node, network.Id, label, network.Names.Domain ?? "");
            }
        }
    }

    private void PushToAll(NetworkState network)
    {
        foreach (MemberState member in network.Members.Values)
        {
            Push(member);
        }
    }

    private void Push(MemberState member)
    {
        if (member.Record is { IsAuthorized: true, Identity: not null } && member.IsOnline(Now, OnlineTimeout))
        {
            _startsWorker |= _queue.Add(member, null);
        }
    }

    /// <summary>
    /// Sends revocations to all members that are online (docs/protocol/3-vl2.md 3.14); others get them with their next configuration.
    /// </summary>
    private async ValueTask RevokeAsync(NetworkState network, params MemberState[] targets)
    {
        long now = Now;
        foreach (MemberState target in targets)
        {
            network.Revocations.Add(target.Node, now);
        }

        foreach (MemberState member in network.Members.Values.Union(targets))
        {
            if (member.IsOnline(now, OnlineTimeout) && (member.Record.IsAuthorized || targets.Contains(member)))
            {
                await TellRevocationsAsync(member).ConfigureAwait(false);
            }
        }
    }

    // Sends the revocations that the member has not been sent yet. Does nothing without the lease or a node; they are sent later.
    private async ValueTask TellRevocationsAsync(MemberState member)
    {
        if (_port is not { } port || _lease is not { } lease || lease.Lost.IsCancellationRequested)
        {
            return;
        }

        NetworkState network = member.Network;
        long since = Now - (long)network.Record.EffectiveCertificateWindow.TotalMilliseconds;
        try
        {
            foreach (RevocationList.Entry entry in network.Revocations.After(member.LastRevocation, since))
            {
                entry.Signed ??= await SignAsync(network, entry.Target, port, lease).ConfigureAwait(false);
                if (lease.Lost.IsCancellationRequested)
                {
                    return;
                }

                port.Revoke(member.Node, entry.Signed);
                member.LastRevocation = entry.Number;
                _counters.Add(ControllerCount.Revocation);
            }
        }
        catch (Exception e)
        {
            // The change itself is durable; the member is informed with its next configuration.
            ControllerLog.ConfigurationFailed(_log, member.Node, network.Id, e);
        }
    }

    private async ValueTask<byte[]> SignAsync(NetworkState network, NodeId target, IControllerPort port, IControllerLease lease)
    {
        // If the target is authorised again, its next certificate must be newer than this threshold.
        ulong threshold = await _clock.NextAsync(
            lease, network.Members.GetValueOrDefault(target)?.LastTimestamp ?? 0, _end.Token).ConfigureAwait(false);
        _clock.Pass(threshold);
        return Revocation.Issue(
            port.Identity, network.Id, (uint)_options.RandomSource.NextUInt64(), CredentialType.Membership, 0, threshold, target);
    }
}
