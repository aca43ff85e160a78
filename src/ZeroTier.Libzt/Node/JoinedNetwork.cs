using System.Net;
using System.Net.Sockets;
using ZeroTier.Engines;

namespace ZeroTier.Libzt.Node;

/// <summary>
/// One network of a running node: its state at the last poll, and the events for changes of it. <see cref="Snapshot"/> is thread-safe; all
/// other members need the session's lock.
/// </summary>
internal sealed class JoinedNetwork(NetworkId id, NodeId self, TimeProvider time) : IJoinedNetwork
{
    // How long to wait for addresses after the status is OK, before the network is announced without them (its controller may assign none).
    private static readonly TimeSpan AddressPatience = TimeSpan.FromSeconds(2);

    private volatile ZeroTierNetwork _snapshot = new(id, ZeroTierNetworkStatus.RequestingConfiguration)
    {
        Detail = Why(id, self, ZeroTierNetworkStatus.RequestingConfiguration, []),
    };
    private ZeroTierNetworkStatus _announced = ZeroTierNetworkStatus.RequestingConfiguration;
    private bool _configured;
    private long? _okSince;

    public NetworkId Id => id;

    public ZeroTierNetwork Snapshot => _snapshot;

    /// <summary>True while a change is expected soon.</summary>
    public bool IsPending => !_configured && _snapshot.Status is ZeroTierNetworkStatus.RequestingConfiguration or ZeroTierNetworkStatus.Ok;

    /// <summary>Why this network cannot become ready; null when it is ready or still may become so.</summary>
    public ZeroTierException? Failure =>
        _snapshot is { Status: not (ZeroTierNetworkStatus.Ok or ZeroTierNetworkStatus.RequestingConfiguration) } now
            ? new ZeroTierException(ZeroTierError.NetworkUnavailable, now.Detail ?? $"Network {id} is not usable.")
            : null;

    /// <summary>Processes the state at a poll; true when something has changed.</summary>
    public bool Observe(NetworkObservation seen, EventOutbox events)
    {
        var before = _snapshot;
        bool same = before.Status == seen.Status && before.Mtu == seen.Mtu && before.IsPublic == seen.IsPublic && before.Mac == seen.Mac
            && (seen.Name is null || before.Name == seen.Name) && before.Addresses.SequenceEqual(seen.Addresses);
        if (!same)
        {
            _snapshot = before with
            {
                Status = seen.Status,
                Name = seen.Name ?? before.Name,
                Addresses = seen.Addresses,
                Mtu = seen.Mtu,
                Mac = seen.Mac,
                IsPublic = seen.IsPublic,
                Detail = Why(id, self, seen.Status, seen.Addresses),
            };
            NoteAddresses(before.Addresses, seen.Addresses, events);
        }

        bool configured = IsConfigured(seen);
        if (configured && (!_configured
            || before.Mtu != seen.Mtu
            || before.IsPublic != seen.IsPublic
            || !before.Addresses.SequenceEqual(seen.Addresses)))
        {
            events.Add(ZeroTierEventCode.NetworkUpdate, id);
        }

        bool became = configured && !_configured;
        _configured = configured;
        return !same || became;
    }

    /// <summary>
    /// docs/protocol/4-libzt-api.md 7: a state is announced by an event only while the node is online, and only when it differs from the
    /// last one announced.
    /// </summary>
    public void Announce(EventOutbox events)
    {
        var now = _snapshot;
        if (now.Status == _announced || (now.Status == ZeroTierNetworkStatus.Ok && !_configured))
        {
            return;
        }

        _announced = now.Status;
        switch (now.Status)
        {
            case ZeroTierNetworkStatus.Ok:
                if (now.Addresses.Any(a => a.Address.AddressFamily == AddressFamily.InterNetwork))
                {
                    events.Add(ZeroTierEventCode.NetworkReadyIPv4, id);
                }

                if (now.Addresses.Any(a => a.Address.AddressFamily == AddressFamily.InterNetworkV6))
                {
                    events.Add(ZeroTierEventCode.NetworkReadyIPv6, id);
                }

                events.Add(ZeroTierEventCode.NetworkOk, id);
                break;
            case ZeroTierNetworkStatus.RequestingConfiguration:
                events.Add(ZeroTierEventCode.NetworkRequestingConfiguration, id, detail: now.Detail);
                break;
            case ZeroTierNetworkStatus.NotFound:
                events.Add(ZeroTierEventCode.NetworkNotFound, id, detail: now.Detail);
                break;
            case ZeroTierNetworkStatus.AccessDenied:
                events.Add(ZeroTierEventCode.NetworkAccessDenied, id, detail: now.Detail);
                break;
            case ZeroTierNetworkStatus.ClientTooOld:
                events.Add(ZeroTierEventCode.NetworkClientTooOld, id, detail: now.Detail);
                break;
            default:
                // Other states have no event code; the update event carries the reason.
                events.Add(ZeroTierEventCode.NetworkUpdate, id, detail: now.Detail);
                break;
        }
    }

    private bool IsConfigured(NetworkObservation seen)
    {
        if (seen.Status != ZeroTierNetworkStatus.Ok)
        {
            _okSince = null;
            return false;
        }

        _okSince ??= time.GetTimestamp();
        return seen.Addresses.Count > 0 || _configured || time.GetElapsedTime(_okSince.Value) >= AddressPatience;
    }

    private void NoteAddresses(IReadOnlyList<IPNetworkAddress> before, IReadOnlyList<IPNetworkAddress> now, EventOutbox events)
    {
        foreach (var address in before.Except(now).Select(a => a.Address))
        {
            events.Add(IsIPv4(address) ? ZeroTierEventCode.AddressRemovedIPv4 : ZeroTierEventCode.AddressRemovedIPv6, id, address: address);
        }

        foreach (var address in now.Except(before).Select(a => a.Address))
        {
            events.Add(IsIPv4(address) ? ZeroTierEventCode.AddressAddedIPv4 : ZeroTierEventCode.AddressAddedIPv6, id, address: address);
        }
    }

    private static bool IsIPv4(IPAddress address) => address.AddressFamily == AddressFamily.InterNetwork;

    private static string? Why(NetworkId id, NodeId self, ZeroTierNetworkStatus status, IReadOnlyList<IPNetworkAddress> addresses) =>
        status switch
        {
            ZeroTierNetworkStatus.Ok when addresses.Count > 0 => null,
            ZeroTierNetworkStatus.Ok =>
                $"Network {id} has no address for this node. Let its controller assign one to node {self}.",
            ZeroTierNetworkStatus.RequestingConfiguration when id.Controller is { } controller =>
                $"Network {id} has no configuration yet: its controller (node {controller}) has not answered. Wait; if it stays so, check "
                + "that the node is online and the ID is right.",
            ZeroTierNetworkStatus.RequestingConfiguration => $"Network {id} has no configuration yet. Wait for it first.",
            ZeroTierNetworkStatus.AccessDenied =>
                $"Network {id} does not admit this node. Authorise node {self} at its controller (node {id.Controller}).",
            ZeroTierNetworkStatus.NotFound when id.IsAdHoc =>
                $"Network {id} cannot exist: an ID that begins with ff must have the form ffSSSSEEEE000000, with the first and the last "
                + "open port, the lower one first, for example ff0000ffff000000.",
            ZeroTierNetworkStatus.NotFound => $"Network {id} is not known to its controller (node {id.Controller}). Check the ID.",
            ZeroTierNetworkStatus.PortError =>
                $"Network {id} has no interface: libzt could not make one. Leave the network and join it again.",
            ZeroTierNetworkStatus.ClientTooOld => $"Network {id} demands a newer ZeroTier than this libzt has. Update the library.",
            ZeroTierNetworkStatus.AuthenticationRequired =>
                $"Network {id} demands a login, which libzt cannot do. Authorise node {self} at its controller.",
            _ => $"Network {id} is in a state that this engine does not know ({(int)status}).",
        };
}
