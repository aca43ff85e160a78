using System.Collections.Immutable;
using ZeroTier.Managed.IpStack;
using ZeroTier.Managed.Vl1;
using ZeroTier.Managed.Vl2.Configuration;

namespace ZeroTier.Managed.Vl2.Multicast;

/// <summary>
/// Multicast on one network: keeps the subscribers of groups, and sends frames for a group to each of them (docs/protocol/3-vl2.md 3.8).
/// The sender sends every copy itself, except on networks with replicators. Thread-safe; sends without holding its lock.
/// </summary>
internal sealed class NetworkMulticast(Vl1Node vl1, NetworkId network, IMulticastPort port)
{
    /// <summary>Our subscriptions are announced again after this many milliseconds.</summary>
    private const long AnnounceInterval = 60_000;

    /// <summary>How often it is checked, in milliseconds, whether an announcement is due.</summary>
    private const long TickInterval = 5_000;

    /// <summary>Further members of a group of which some are known are asked for again after this many milliseconds.</summary>
    private const long GatherInterval = 60_000;

    /// <summary>Members of a group of which none are known are asked for again after this many milliseconds.</summary>
    private const long EmptyGatherInterval = 500;

    private const int MaxGatherTargets = 16;
    /// <summary>Most members in an answer.</summary>
    public const int MaxListedMembers = 1024;
    private const int MaxGatheredGroups = 1024;

    private readonly Lock _lock = new();
    private readonly MulticastStore _members = new();
    private readonly WaitingFrames _waiting = new();
    private readonly Dictionary<MulticastGroup, long> _gathered = [];
    private readonly Dictionary<NodeId, long> _told = [];
    private readonly Dictionary<MulticastGroup, int> _joined = [];
    private ImmutableArray<MulticastGroup> _subscriptions = [];
    private NetworkConfiguration? _configuration;
    private long _ticked = long.MinValue;
    private long _announced = long.MinValue;

    /// <summary>Puts a configuration in force, and announces new subscriptions.</summary>
    public void Configure(NetworkConfiguration configuration)
    {
        lock (_lock)
        {
            _configuration = configuration;
        }

        Subscribe();
    }

    /// <summary>The stack subscribes to a group. Joins are counted; a leave may arrive before the join that it undoes.</summary>
    public void Join(MulticastGroup group) => Count(group, 1);

    /// <summary>The reverse of <see cref="Join"/>. Others remove our subscription after ten minutes.</summary>
    public void Leave(MulticastGroup group) => Count(group, -1);

    /// <summary>Roots are reachable again: announces all subscriptions, since earlier announcements may have been lost.</summary>
    public void OnOnline()
    {
        lock (_lock)
        {
            _announced = long.MinValue;
            _ticked = long.MinValue;
        }

        OnTick(vl1.Now);
    }

    /// <summary>Sends a frame to a group, also to subscribers that become known in the next five seconds.</summary>
    /// <param name="configuration">The configuration in force, whose multicast limit is above 0.</param>
    /// <param name="group">The group.</param>
    /// <param name="etherType">The frame's EtherType.</param>
    /// <param name="frame">The Ethernet payload, which the rules have allowed.</param>
    public void Send(NetworkConfiguration configuration, MulticastGroup group, ushort etherType, ReadOnlySpan<byte> frame)
    {
        if (FindReplicator(configuration) is { } replicator)
        {
            SendTo(
                configuration,
                [replicator],
                MulticastFrame.Encode(network, 0, port.Mac, replicate: true, group, etherType, frame),
                group,
                etherType,
                frame);
            return;
        }

        Distribute(configuration, origin: null, group, etherType, frame);
    }

    /// <summary>If we are a replicator, forwards a frame of another member to the group.</summary>
    public void Replicate(NetworkConfiguration configuration, NodeId origin, MacAddress source, in MulticastFrame frame)
    {
        if (configuration.RolesOf(vl1.Id).HasFlag(SpecialistRoles.MulticastReplicator) && configuration.MulticastLimit > 0)
        {
            Distribute(configuration, (origin, source), frame.Group, frame.EtherType, frame.Frame);
        }
    }

    /// <summary>Whether we are subscribed to a group.</summary>
    public bool IsSubscribed(MulticastGroup group)
    {
        lock (_lock)
        {
            return _subscriptions.Contains(group);
        }
    }

    /// <summary>A member has subscribed to a group (MULTICAST_LIKE).</summary>
    public void OnLike(NodeId member, MulticastGroup group) => AddMembers(group, [member]);

    /// <summary>A member is not subscribed to a group (ERROR 0x08).</summary>
    public void OnUnwanted(NodeId member, MulticastGroup group)
    {
        lock (_lock)
        {
            _members.Remove(Key(group), member);
        }
    }

    /// <summary>An answer has listed members of a group.</summary>
    public void OnMembers(MulticastGroup group, IReadOnlyList<NodeId> members) => AddMembers(group, members);

    /// <summary>
    /// The answer for a member that asks for subscribers of a group: their total number, and up to <paramref name="wanted"/> addresses,
    /// ours first. The member that asks is counted but not listed.
    /// </summary>
    public (int Total, List<NodeId> Members) Find(MulticastGroup group, NodeId asker, int wanted)
    {
        var picked = new List<NodeId>();
        lock (_lock)
        {
            int limit = Math.Min(wanted, MaxListedMembers);
            int own = 0;
            if (_subscriptions.Contains(group) && limit > 0)
            {
                picked.Add(vl1.Id);
                own = 1;
            }

            return (_members.Gather(Key(group), asker, limit, vl1.Random, picked) + own, picked);
        }
    }

    /// <summary>VL1's control tick.</summary>
    public void OnTick(long now)
    {
        NodeId[] always, members;
        ImmutableArray<MulticastGroup> groups;
        lock (_lock)
        {
            if (_configuration is not { } configuration || (_ticked != long.MinValue && now - _ticked < TickInterval))
            {
                return;
            }

            _ticked = now;
            _members.Expire(now);
            _waiting.Expire(now);
            groups = _subscriptions;
            always = [];
            if (_announced == long.MinValue || now - _announced >= AnnounceInterval)
            {
                _announced = now;
                always = AlwaysTold(configuration);
            }

            members = configuration.MulticastLimit == 0 ? [] : DueMembers(now);
        }

        foreach (NodeId node in always.Union(members))
        {
            Announce(node, groups);
        }
    }

    // Guarded by the lock.
    private NodeId[] DueMembers(long now)
    {
        NodeId[] known = [.. port.KnownMembers];
        NodeId[] due = [.. known.Where(m => !_told.TryGetValue(m, out long told) || now - told >= AnnounceInterval)];
        foreach (NodeId node in _told.Keys.Except(known).ToArray())
        {
            _told.Remove(node);
        }

        foreach (NodeId node in due)
        {
            _told[node] = now;
        }

        return due;
    }

    private void Count(MulticastGroup group, int joins)
    {
        lock (_lock)
        {
            int count = _joined.GetValueOrDefault(group) + joins;
            if (count == 0)
            {
                _joined.Remove(group);
            }
            else
            {
                _joined[group] = count;
            }
        }

        Subscribe();
    }

    private void Subscribe()
    {
        NodeId[] told;
        ImmutableArray<MulticastGroup> added;
        lock (_lock)
        {
            if (_configuration is not { } configuration)
            {
                return;
            }

            ImmutableArray<MulticastGroup> before = _subscriptions;
            _subscriptions = configuration.MulticastLimit == 0 ? [] : Subscriptions(configuration);
            added = [.. _subscriptions.Except(before)];
            told = added.IsEmpty ? [] : [.. AlwaysTold(configuration), .. port.KnownMembers];
        }

        foreach (NodeId node in told.Distinct())
        {
            Announce(node, added);
        }
    }

    // 3.8.1: the groups for address resolution of our addresses; also, as operating systems do on ZeroTierOne's ports, all IPv6 nodes and
    // the solicited-node group of the link-local address. Then the groups that the stack has joined.
    private ImmutableArray<MulticastGroup> Subscriptions(NetworkConfiguration configuration)
    {
        IEnumerable<MulticastGroup> groups = configuration.Addresses.Select(a => a.Address).Append(port.Mac.ToLinkLocal())
            .Select(a => MulticastGroup.ForResolution(a))
            .Append(new(MulticastMapping.ToEthernet(MulticastMapping.AllNodes), 0))
            .Concat(_joined.Where(j => j.Value > 0).Select(j => j.Key));
        return configuration.Flags.HasFlag(NetworkFlags.Broadcast)
            ? [.. groups.Append(new(MacAddress.Broadcast, 0)).Distinct()]
            : [.. groups.Distinct()];
    }

    private NodeId[] AlwaysTold(NetworkConfiguration configuration) =>
    [
        .. vl1.Upstreams
            .Concat(Keepers(configuration))
            .Where(n => n != vl1.Id).Distinct(),
    ];

    // The nodes that know the subscribers of all groups, besides the roots.
    private IEnumerable<NodeId> Keepers(NetworkConfiguration configuration) =>
        (network.Controller is { } controller ? [controller] : Array.Empty<NodeId>())
            .Concat(
                configuration.Specialists.Where(s => (s.Roles & (SpecialistRoles.Anchor | SpecialistRoles.MulticastReplicator)) != 0)
                    .Select(s => s.Node));

    private void Announce(NodeId node, ImmutableArray<MulticastGroup> groups)
    {
        const int GroupsPerPacket = 64;
        for (int i = 0; i < groups.Length; i += GroupsPerPacket)
        {
            ReadOnlySpan<MulticastGroup> some = groups.AsSpan()[i..Math.Min(groups.Length, i + GroupsPerPacket)];
            byte[] payload = new byte[some.Length * MulticastPackets.GroupLength];
            for (int n = 0; n < some.Length; n++)
            {
                MulticastPackets.WriteGroup(payload.AsSpan(n * MulticastPackets.GroupLength), network, some[n]);
            }

            vl1.Send(node, Verb.MulticastLike, payload);
        }
    }

    private void Distribute(
        NetworkConfiguration configuration,
        (NodeId Node, MacAddress Mac)? origin,
        MulticastGroup group,
        ushort etherType,
        ReadOnlySpan<byte> frame)
    {
        int limit = configuration.MulticastLimit;
        long now = vl1.Now;
        var members = new List<NodeId>();
        NodeId[] recipients;
        byte[] payload;
        bool gather;
        int gatherLimit;
        lock (_lock)
        {
            int known = _members.Gather(Key(group), origin?.Node ?? vl1.Id, limit, vl1.Random, members);
            gatherLimit = members.Count >= limit ? 1 : limit - members.Count + 1;
            payload = MulticastFrame.Encode(network, gatherLimit, origin?.Mac, replicate: false, group, etherType, frame);
            recipients = [.. configuration.ActiveBridges.Concat(members)
                .Where(m => m != vl1.Id && m != origin?.Node).Distinct()
                .Take(limit)];
            gather = members.Count < limit && IsGatherDue(group, known, now);
            if (members.Count < limit)
            {
                _waiting.Add(group, etherType, payload, frame, recipients, limit - recipients.Length, now);
            }
        }

        if (gather)
        {
            Gather(configuration, group, gatherLimit);
        }

        SendTo(configuration, recipients, payload, group, etherType, frame);
    }

    private bool IsGatherDue(MulticastGroup group, int known, long now)
    {
        if (_gathered.TryGetValue(group, out long last) && now - last < (known == 0 ? EmptyGatherInterval : GatherInterval))
        {
            return false;
        }

        if (_gathered.Count >= MaxGatheredGroups)
        {
            _gathered.Clear();
        }

        _gathered[group] = now;
        return true;
    }

    private void Gather(NetworkConfiguration configuration, MulticastGroup group, int wanted)
    {
        byte[] payload = MulticastPackets.Gather(network, group, wanted, configuration.Membership is { } own ? own.Encoded.Span : default);
        IEnumerable<NodeId> targets = (vl1.BestUpstream is { } root ? [root] : Array.Empty<NodeId>())
            .Concat(Keepers(configuration));
        foreach (NodeId target in targets.Where(t => t != vl1.Id).Distinct().Take(MaxGatherTargets))
        {
            vl1.Send(target, Verb.MulticastGather, payload);
        }
    }

    private void AddMembers(MulticastGroup group, IReadOnlyList<NodeId> members)
    {
        long now = vl1.Now;
        var due = new List<(NodeId Member, WaitingFrames.Frame Frame)>();
        NetworkConfiguration? configuration;
        lock (_lock)
        {
            configuration = _configuration;
            foreach (NodeId member in members)
            {
                if (member != vl1.Id && !member.IsReserved && _members.Add(Key(group), member, now))
                {
                    _waiting.Take(group, member, now, due);
                }
            }
        }

        foreach (var (member, frame) in due)
        {
            if (configuration is not null)
            {
                SendTo(configuration, [member], frame.Payload, group, frame.EtherType, frame.Payload.AsSpan(frame.FrameOffset));
            }
        }
    }

    private void SendTo(
        NetworkConfiguration configuration,
        ReadOnlySpan<NodeId> recipients,
        byte[] payload,
        MulticastGroup group,
        ushort etherType,
        ReadOnlySpan<byte> frame)
    {
        foreach (NodeId recipient in recipients)
        {
            if (port.MayReceive(configuration, recipient, group.Mac, etherType, frame))
            {
                port.BeforeSend(configuration, recipient);
                vl1.Send(recipient, Verb.MulticastFrame, payload);
            }
        }
    }

    // The replicator with the lowest latency; null when there is none. Bridges and replicators send all copies themselves.
    private NodeId? FindReplicator(NetworkConfiguration configuration)
    {
        if ((configuration.RolesOf(vl1.Id) & (SpecialistRoles.MulticastReplicator | SpecialistRoles.ActiveBridge)) != 0)
        {
            return null;
        }

        NodeId? best = null;
        int bestLatency = int.MaxValue;
        foreach (Specialist specialist in configuration.Specialists)
        {
            if (specialist.Roles.HasFlag(SpecialistRoles.MulticastReplicator)
                && vl1.FindPeer(specialist.Node) is { IsUnresponsive: false } peer)
            {
                // 0 is a latency that is not known.
                int latency = peer.Latency == 0 ? int.MaxValue : peer.Latency;
                if (best is null || latency < bestLatency)
                {
                    (best, bestLatency) = (specialist.Node, latency);
                }
            }
        }

        return best;
    }

    private MulticastStore.Group Key(MulticastGroup group) => new(network.Value, group.Mac.Value, group.Adi);
}
