using ZeroTier.Controller.Members;
using ZeroTier.Managed;
using ZeroTier.Managed.Vl2.Credentials;

namespace ZeroTier.Controller;

/// <content>What follows from a change that is durable: memory, events, and who is told. The caller has the turn.</content>
public sealed partial class NetworkController
{
    // Each member of a network that is deleted is revoked at every other one; beyond so many packets they lapse with their certificates.
    private const int MaxRevocations = 4096;

    private void Commit(ControllerNetwork network)
    {
        if (_networks.TryGetValue(network.Id, out NetworkState? state))
        {
            state.Record = network;
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
        int packets = 0;
        foreach (MemberState member in network.Members.Values)
        {
            if (member.Record.IsAuthorized && packets < MaxRevocations)
            {
                packets += await RevokeAsync(member).ConfigureAwait(false);
            }
        }
    }

    private async ValueTask CommitAsync(NetworkState network, ControllerMember record)
    {
        ControllerMember? before = network.Members.GetValueOrDefault(record.Node)?.Record;
        MemberState member = Take(network, record);
        _events.Publish(new MemberChanged(record));
        bool wasBridge = before is { IsAuthorized: true, IsActiveBridge: true };
        if (wasBridge != record is { IsAuthorized: true, IsActiveBridge: true })
        {
            PushToAll(network);
        }

        if (record.IsAuthorized)
        {
            Push(member);
        }
        else if (before?.IsAuthorized == true)
        {
            await RevokeAsync(member).ConfigureAwait(false);
        }
    }

    private async ValueTask CommitRemovalAsync(MemberState member)
    {
        Drop(member);
        _events.Publish(new MemberDeleted(member.Network.Id, member.Node));
        if (member.Record.IsAuthorized)
        {
            if (member.Record.IsActiveBridge)
            {
                PushToAll(member.Network);
            }

            await RevokeAsync(member).ConfigureAwait(false);
        }
    }

    // Puts a record into memory, and what is kept of it beside.
    private static MemberState Take(NetworkState network, ControllerMember record)
    {
        if (network.Members.TryGetValue(record.Node, out MemberState? member))
        {
            ControllerMember before = member.Record;
            network.Addresses.Replace(record.Node, before.Addresses, record.Addresses);
            network.StrangerCount -= member.IsStranger ? 1 : 0;
            member.Record = record;
            if ((before.IsAuthorized && before.IsActiveBridge) != (record.IsAuthorized && record.IsActiveBridge))
            {
                network.ForgetEncoded();
            }
        }
        else
        {
            network.Members[record.Node] = member = new MemberState(network, record);
            network.Addresses.Replace(record.Node, [], record.Addresses);
            network.ForgetEncoded();
        }

        network.StrangerCount += member.IsStranger ? 1 : 0;
        return member;
    }

    private static void Drop(MemberState member)
    {
        NetworkState network = member.Network;
        network.Members.TryRemove(member.Node, out _);
        network.Addresses.Replace(member.Node, member.Record.Addresses, []);
        network.StrangerCount -= member.IsStranger ? 1 : 0;
        network.ForgetEncoded();
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

    /// <summary>Tells all members that are online that one is none any more (docs/protocol/3-vl2.md 3.14).</summary>
    /// <returns>To how many it was sent.</returns>
    private async ValueTask<int> RevokeAsync(MemberState member)
    {
        if (_port is not { } port || _lease is not { } lease || lease.Lost.IsCancellationRequested)
        {
            return 0;
        }

        // The member's next certificate, should it be let in again, is newer than this.
        ulong threshold = _clock.After(member.LastTimestamp);
        int sent = 0;
        try
        {
            await _clock.ReserveAsync(lease, threshold, CancellationToken.None).ConfigureAwait(false);
            member.LastTimestamp = threshold;
            _clock.Raise(threshold);
            byte[] revocation = Revocation.Issue(
                port.Identity, member.Network.Id, (uint)_options.RandomSource.NextUInt64(), CredentialType.Membership, 0, threshold, member.Node);
            long now = Now;
            foreach (MemberState other in member.Network.Members.Values.Append(member).Distinct())
            {
                if (other.IsOnline(now, OnlineTimeout) && (other.Record.IsAuthorized || other == member))
                {
                    port.Revoke(other.Node, revocation);
                    sent++;
                }
            }
        }
        catch (Exception e)
        {
            // The change stands; the member's certificate lapses.
            ControllerLog.ConfigurationFailed(_log, member.Node, member.Network.Id, e);
        }

        _counters.Add(ControllerCount.Revocation, sent);
        return sent;
    }
}
