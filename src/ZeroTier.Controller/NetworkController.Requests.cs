using ZeroTier.Controller.Configuration;
using ZeroTier.Controller.Members;
using ZeroTier.Managed;

namespace ZeroTier.Controller;

/// <content>Serves requests of nodes, and members that must be informed of a change: a single worker takes batches, writes the changes of a
/// batch in one transaction, and then replies.</content>
public sealed partial class NetworkController
{
    /// <summary>A node that asks again within this time, in milliseconds, is ignored (docs/protocol/3-vl2.md 3.14).</summary>
    private const long RequestInterval = 1000;

    void INetworkController.Start(IControllerPort port)
    {
        ArgumentNullException.ThrowIfNull(port);
        _port = port;
        NodeId node = port.Identity.Address;
        NetworkId[] foreign = [.. _networks.Keys.Where(n => n.Controller != node)];
        ControllerLog.Started(_log, node, _networks.Count - foreign.Length, _networks.Values.Sum(n => n.Members.Count));
        if (foreign.Length > 0)
        {
            ControllerLog.ForeignNetworks(_log, foreign.Length, node, foreign[0]);
        }
    }

    void INetworkController.Stop() => _port = null;

    void INetworkController.OnRequest(ControllerRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        _counters.Add(ControllerCount.Request);
        if (_port is not { } port || !IsActive)
        {
            return;
        }

        bool start;
        if (!_networks.TryGetValue(request.Network, out NetworkState? network))
        {
            port.Refuse(request, ControllerRefusal.NotFound, default);
            _counters.Add(ControllerCount.Refusal);
            return;
        }

        if (network.Members.TryGetValue(request.Identity.Address, out MemberState? member))
        {
            // Checked here, so that another identity can neither use up the member's request rate nor keep it shown as online.
            if (member.Record.Identity is { } known && !known.Equals(request.Identity))
            {
                _counters.Add(ControllerCount.IdentityMismatch);
                ControllerLog.IdentityMismatch(_log, member.Node, network.Id);
                Refuse(port, request);
                return;
            }

            if (!member.TryNoteRequest(Now, RequestInterval))
            {
                _counters.Add(ControllerCount.RequestTooSoon);
                return;
            }

            start = _queue.Add(member, request);
        }
        else
        {
            start = _queue.AddUnknown(request, out bool dropped);
            _counters.Add(ControllerCount.RequestDropped, dropped ? 1 : 0);
        }

        if (start)
        {
            StartWorker();
        }
    }

    private async Task WorkAsync()
    {
        while (_queue.TryTake(out List<WorkItem>? batch))
        {
            try
            {
                await TakeTurnAsync(_end.Token).ConfigureAwait(false);
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
            {
                continue;
            }

            try
            {
                await ServeAsync(batch).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (_end.IsCancellationRequested)
            {
                continue;
            }
            catch (Exception e)
            {
                _queue.SetAside(batch);
                _counters.Add(ControllerCount.StoreFailure);
                ControllerLog.StoreFailed(_log, e);
            }
            finally
            {
                ReleaseTurn();
            }
        }
    }

    private async Task ServeAsync(IReadOnlyList<WorkItem> batch)
    {
        if (_port is not { } port || _lease is not { } lease || lease.Lost.IsCancellationRequested)
        {
            _queue.SetAside(batch);
            return;
        }

        var plan = new ServicePlan(_options, _time.GetUtcNow(), Now);
        try
        {
            foreach (WorkItem item in batch)
            {
                plan.Add(item, _networks);
            }

            if (plan.Changes.Count > 0)
            {
                await _store.WriteAsync(plan.Changes, plan.Audit, _end.Token).ConfigureAwait(false);
            }
        }
        catch (StoreConflictException) when (batch.Count > 1)
        {
            // Another process has changed one of the records; serve each item separately, so that the others do not fail.
            plan.Undo();
            foreach (WorkItem item in batch)
            {
                await ServeOneAsync(item).ConfigureAwait(false);
            }

            return;
        }
        catch
        {
            plan.Undo();
            throw;
        }

        Commit(plan);
        await AnswerAsync(plan, port, lease).ConfigureAwait(false);
    }

    private async Task ServeOneAsync(WorkItem item)
    {
        try
        {
            await ServeAsync([item]).ConfigureAwait(false);
        }
        catch (StoreConflictException)
        {
            // If the item was a request, the node repeats it.
            _queue.SetAside([item]);
            _counters.Add(ControllerCount.StoreFailure);
        }
    }

    private void Commit(ServicePlan plan)
    {
        plan.Undo();
        foreach (MemberState stranger in plan.Forgotten)
        {
            Drop(stranger);
            _events.Publish(new MemberDeleted(stranger.Network.Id, stranger.Node));
            _counters.Add(ControllerCount.StrangerForgotten);
        }

        foreach (Service service in plan.Services)
        {
            if (service.IsChanged)
            {
                ControllerMember? before = service.Member?.Record;
                service.Member = Take(service.Network, service.Record);
                LogNamesakes(service.Network, before, service.Record);
                _events.Publish(new MemberChanged(service.Record));
                if (IsNameServer(service.Member))
                {
                    PushToAll(service.Network);
                }
            }

            if (service is { Member: { } member, Request: not null })
            {
                if (member.LastRequest == MemberState.Never)
                {
                    member.TryNoteRequest(Now, RequestInterval);
                }

                member.UnderstandsRules = service.UnderstandsRules;
                if (member.Show(online: true))
                {
                    _events.Publish(new MemberPresenceChanged(member.Network.Id, member.Node, IsOnline: true));
                }
            }
        }
    }

    private async Task AnswerAsync(ServicePlan plan, IControllerPort port, IControllerLease lease)
    {
        foreach (Service service in plan.Services)
        {
            try
            {
                if (service.Result == AdmissionResult.Admitted && service.Member is { } member)
                {
                    await SendAsync(service, member, port, lease).ConfigureAwait(false);
                }
                else if (service.Request is { } request)
                {
                    _counters.Add(ControllerCount.StrangerNotRecorded, service.Member is null ? 1 : 0);
                    if (service.Result == AdmissionResult.LoginRequired)
                    {
                        port.Refuse(request, ControllerRefusal.AuthenticationRequired, LoginDetails.Write(service.Network.Record));
                        _counters.Add(ControllerCount.Refusal);
                    }
                    else
                    {
                        Refuse(port, request);
                    }
                }
            }
            catch (Exception e)
            {
                _queue.SetAside([new WorkItem(service.Member, service.Request)]);
                ControllerLog.ConfigurationFailed(_log, service.Record.Node, service.Network.Id, e);
            }
        }
    }

    private async ValueTask SendAsync(Service service, MemberState member, IControllerPort port, IControllerLease lease)
    {
        NetworkState network = service.Network;
        AddressState state = service.Addresses;
        var addresses = ConfigurationWriter.AddressesOf(network.Record, member.Record, network.Addresses, ref state);
        LogExhausted(member, state);
        member.Addresses = state;
        ulong time = await _clock.NextAsync(lease, member.LastTimestamp, _end.Token).ConfigureAwait(false);
        member.LastTimestamp = time;
        byte[] configuration = ConfigurationWriter.Write(
            port.Identity, network.Encoded, member.Record, addresses, time, member.UnderstandsRules);
        if (lease.Lost.IsCancellationRequested)
        {
            _queue.SetAside([new WorkItem(member, service.Request)]);
            return;
        }

        if (service.Request is { } request)
        {
            port.Reply(request, configuration);
            _counters.Add(ControllerCount.Reply);
        }
        else
        {
            port.Push(network.Id, member.Node, configuration);
            _counters.Add(ControllerCount.Push);
        }

        await TellRevocationsAsync(member).ConfigureAwait(false);
    }

    private void LogExhausted(MemberState member, AddressState state)
    {
        AddressState added = state & ~member.Addresses;
        if (added.HasFlag(AddressState.IPv4PoolExhausted))
        {
            ControllerLog.PoolExhausted(_log, "IPv4", member.Node, member.Network.Id);
        }

        if (added.HasFlag(AddressState.IPv6PoolExhausted))
        {
            ControllerLog.PoolExhausted(_log, "IPv6", member.Node, member.Network.Id);
        }
    }

    private void Refuse(IControllerPort port, ControllerRequest request)
    {
        port.Refuse(request, ControllerRefusal.AccessDenied, default);
        _counters.Add(ControllerCount.Refusal);
    }
}
