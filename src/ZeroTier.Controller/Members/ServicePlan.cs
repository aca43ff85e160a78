using System.Collections.Concurrent;
using System.Net;
using ZeroTier.Managed;
using ZeroTier.Managed.Net;

namespace ZeroTier.Controller.Members;

/// <summary>
/// The outcome of a batch of requests and changes, computed before anything is durable: the records to write, and the reply to each node.
/// </summary>
/// <remarks>
/// Addresses that it assigns are reserved immediately, so that no two members get the same; <see cref="Undo"/> releases them.
/// </remarks>
internal sealed class ServicePlan(NetworkControllerOptions options, DateTimeOffset time, long now)
{
    // A member admitted by a public network that has been silent for a day may be deleted when the network is full.
    private const long MaxSilence = 86_400_000;

    // The number of records that the batch adds to each network, minus those that it deletes.
    private readonly Dictionary<NetworkState, (int Members, int Strangers)> _newMembers = [];
    private readonly HashSet<MemberState> _forgotten = [];
    private readonly List<(NetworkState Network, ControllerMember Before, ControllerMember After)> _taken = [];

    public List<Service> Services { get; } = [];

    public List<StoreChange> Changes { get; } = [];

    public List<AuditEntry> Audit { get; } = [];

    /// <summary>Records that are deleted to make room.</summary>
    public IReadOnlyCollection<MemberState> Forgotten => _forgotten;

    /// <summary>Decides about one item.</summary>
    public void Add(WorkItem item, ConcurrentDictionary<NetworkId, NetworkState> networks)
    {
        NetworkId id = item.Member?.Network.Id ?? item.Request!.Network;
        NodeId node = item.Member?.Node ?? item.Request!.Identity.Address;
        if (!networks.TryGetValue(id, out NetworkState? network))
        {
            // The network was deleted in the meantime; the node repeats its request and is then refused.
            return;
        }

        MemberState? member = network.Members.GetValueOrDefault(node);
        if (item.Request is null)
        {
            if (member is not null)
            {
                Decide(network, member, member.Record, null);
            }

            return;
        }

        ControllerMember record = member?.Record ?? new ControllerMember { Network = id, Node = node, Revision = 0, CreationTime = time };
        if (record.Identity is null)
        {
            record = record with { Identity = item.Request.Identity };
        }
        else if (!record.Identity.Equals(item.Request.Identity))
        {
            Services.Add(new Service(network, record) { Request = item.Request, Result = AdmissionResult.Denied });
            return;
        }

        Decide(network, member, record, item.Request);
    }

    /// <summary>Releases the reserved addresses.</summary>
    public void Undo()
    {
        foreach ((NetworkState network, ControllerMember before, ControllerMember after) in _taken)
        {
            network.Addresses.Undo(after, after.Addresses, before.Addresses);
        }

        _taken.Clear();
    }

    private void Decide(NetworkState network, MemberState? member, ControllerMember record, ControllerRequest? request)
    {
        ControllerMember before = member?.Record ?? record with { Identity = null };
        MemberMetadata? metadata = request is null ? null : MemberMetadata.Read(request.Metadata.Span);
        (AdmissionResult result, record) = Admission.Decide(network.Record, record, member is null, metadata, time);
        var service = new Service(network, record)
        {
            Member = member,
            Request = request,
            Result = result,
            UnderstandsRules = metadata?.UnderstandsRules ?? false,
        };
        if (result == AdmissionResult.Admitted)
        {
            if (metadata is { } said && said.Version != record.Version && member?.TryNoteVersion(now) != false)
            {
                service.Record = record with { Version = said.Version };
            }

            Assign(service);
        }

        if (!ReferenceEquals(service.Record, before) && (member is not null || MayAdd(network, service.Record)))
        {
            service.IsChanged = true;
            service.Record = service.Record with { Revision = before.Revision + 1 };
            Changes.Add(new MemberWrite(service.Record) { ExpectedRevision = before.Revision });
            if (service.Record.IsAuthorized && !before.IsAuthorized)
            {
                Audit.Add(new AuditEntry
                {
                    Time = time,
                    Actor = Actor.Controller,
                    Action = "member.authorize",
                    Network = network.Id,
                    Member = service.Record.Node,
                    Detail = service.Record.AuthorizedBy == AuthorizationSource.Token ? "join token" : "public network",
                });
            }
        }
        else if (member is null)
        {
            service.Result = result == AdmissionResult.Admitted ? AdmissionResult.Denied : result;
        }

        if (!service.IsChanged)
        {
            // The record is not written: release addresses that were assigned to it.
            Release(service, before);
        }

        Services.Add(service);
    }

    private void Assign(Service service)
    {
        NetworkState network = service.Network;
        ControllerMember before = service.Record;
        if (!before.AssignsAddresses)
        {
            return;
        }

        List<IpAddress> managed = [.. before.Addresses.Select(IpAddress.From)
            .Where(
                a => AddressAssignment.TryGetPrefix(network.Record, a, out _)
                    && network.Addresses.HolderOf(a) is var holder
                    && (holder is null ||
                        holder == before.Node))];
        if (network.Record.IPv6Assignment.HasFlag(IPv6Assignment.Pool) && !managed.Exists(a => a.IsIPv6))
        {
            Assign(service, isIPv4: false, AddressState.IPv6PoolExhausted);
        }

        if (network.Record.AssignsIPv4 && !managed.Exists(a => a.IsIPv4))
        {
            Assign(service, isIPv4: true, AddressState.IPv4PoolExhausted);
        }
    }

    private void Assign(Service service, bool isIPv4, AddressState exhausted)
    {
        NetworkState network = service.Network;
        ControllerMember before = service.Record;
        IPAddress? address = null;
        if (!network.IsExhausted(isIPv4))
        {
            address = isIPv4
                ? AddressAssignment.FindIPv4(network.Record, before.Node, network.Addresses)
                : AddressAssignment.FindIPv6(network.Record, before.Node, network.Addresses, options.RandomSource);
        }

        if (address is null)
        {
            network.NoteExhausted(isIPv4);
            service.Addresses |= exhausted;
            return;
        }

        service.Record = before with { Addresses = before.Addresses.Add(address) };
        network.Addresses.Replace(before, before.Addresses, service.Record.Addresses);
        _taken.Add((network, before, service.Record));
    }

    private void Release(Service service, ControllerMember before)
    {
        for (int i = _taken.Count - 1; i >= 0; i--)
        {
            if (_taken[i].Network == service.Network && _taken[i].After.Node == before.Node)
            {
                service.Network.Addresses.Undo(before, _taken[i].After.Addresses, _taken[i].Before.Addresses);
                _taken.RemoveAt(i);
            }
        }
    }

    // Whether an unknown node may be recorded. Rate-limited and bounded, because an attacker can create any number of identities.
    private bool MayAdd(NetworkState network, ControllerMember record)
    {
        bool isVisitor = record is { IsAuthorized: true, AuthorizedBy: AuthorizationSource.PublicNetwork };
        if ((isVisitor && !network.MayRecordVisitor(now)) || (!record.IsAuthorized && !network.MayRecordStranger(now)))
        {
            return false;
        }

        (int added, int strangers) = _newMembers.GetValueOrDefault(network);
        if (network.Members.Count + added >= options.MaxMembersPerNetwork && !(isVisitor && ForgetVisitor(network)))
        {
            return false;
        }

        if (!record.IsAuthorized && network.StrangerCount + strangers >= options.MaxUnauthorizedMembers && !ForgetStranger(network))
        {
            return false;
        }

        (added, strangers) = _newMembers.GetValueOrDefault(network);
        _newMembers[network] = (added + 1, strangers + (record.IsAuthorized ? 0 : 1));
        return true;
    }

    private bool ForgetStranger(NetworkState network) =>
        Forget(network.Members.Values.Where(m => m.IsStranger && !_forgotten.Contains(m)).MinBy(m => m.Record.CreationTime));

    private bool ForgetVisitor(NetworkState network) =>
        Forget(
            network.Members.Values.Where(m => m.IsVisitor && m.SilenceAt(now) >= MaxSilence && !_forgotten.Contains(m))
                .MaxBy(m => m.SilenceAt(now)));

    private bool Forget(MemberState? oldest)
    {
        if (oldest is null || Services.Exists(s => s.Member == oldest))
        {
            return false;
        }

        _forgotten.Add(oldest);
        NetworkState network = oldest.Network;
        (int added, int strangers) = _newMembers.GetValueOrDefault(network);
        _newMembers[network] = (added - 1, strangers - (oldest.IsStranger ? 1 : 0));
        Changes.Add(new MemberRemoval(network.Id, oldest.Node) { ExpectedRevision = oldest.Record.Revision });
        return true;
    }
}

/// <summary>The outcome for one node.</summary>
internal sealed class Service(NetworkState network, ControllerMember record)
{
    public NetworkState Network => network;

    /// <summary>The member; null while it is unknown.</summary>
    public MemberState? Member { get; set; }

    /// <summary>The new record.</summary>
    public ControllerMember Record { get; set; } = record;

    /// <summary>Whether the record must be written.</summary>
    public bool IsChanged { get; set; }

    /// <summary>Its request; null when it is informed of a change.</summary>
    public ControllerRequest? Request { get; init; }

    public AdmissionResult Result { get; set; }

    public bool UnderstandsRules { get; init; }

    public AddressState Addresses { get; set; }
}
