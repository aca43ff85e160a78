using System.Net;
using System.Net.Sockets;
using ZeroTier.Engines;
using ZeroTier.Managed.Vl1;
using ZeroTier.Managed.Vl2;

namespace ZeroTier.Managed.Node;

/// <summary>Handles events of VL1 and VL2.</summary>
internal sealed partial class NodeSession : IVl2Client
{
    private static readonly TimeSpan TwinLogInterval = TimeSpan.FromMinutes(10);

    // A root reports duplicates every 15 s.
    private static readonly TimeSpan TwinPatience = TimeSpan.FromSeconds(100);
    private Twin? _twin;

    public string? Warning
    {
        get
        {
            Twin? twin;
            lock (_lock)
            {
                twin = _twin;
            }

            return twin is null || Options.TimeProvider.GetElapsedTime(twin.Seen) >= TwinPatience
                ? null
                : $"Another node runs with the identity of this one, {Id}{(twin.EndPoint.IsNone ? "" : $", at {twin.EndPoint}")}: each "
                    + "gets packets of the other, and connections of both fail. Stop one of them, or give it a storage folder of its own "
                    + "that is empty at its first start; a folder must not be copied or be part of an image.";
        }
    }

    void IVl2Client.OnNetworkChanged(Network network, NetworkState before, NetworkState after)
    {
        ZeroTierNetwork old, now;
        lock (_lock)
        {
            if (_closing || Find(network.Id) is not { } joined || joined.Network != network)
            {
                return;
            }

            old = joined.Snapshot;
            joined.Update(after);
            now = joined.Snapshot;

            // docs/protocol/3-vl2.md 3.12: addresses, then the update, then the state.
            foreach (var address in now.Addresses.ExceptBy(old.Addresses.Select(a => a.Address), a => a.Address))
            {
                _events.Add(AddressAdded(address.Address), network.Id, address: address.Address);
            }

            foreach (var address in old.Addresses.ExceptBy(now.Addresses.Select(a => a.Address), a => a.Address))
            {
                _events.Add(AddressRemoved(address.Address), network.Id, address: address.Address);
            }

            _events.Add(ZeroTierEventCode.NetworkUpdate, network.Id, detail: now.Detail);
            Announce();
        }

        if (after.Configuration is { Text.IsEmpty: false } configuration && !ReferenceEquals(configuration, before.Configuration))
        {
            NoteConfiguration(configuration);
        }

        if (now.IsReady && (!old.IsReady || !now.Addresses.SequenceEqual(old.Addresses)))
        {
            LifecycleLog.Joined(_log, network.Id, string.Join(", ", now.Addresses));
        }
        else if (!now.IsReady && now.Detail != old.Detail)
        {
            LifecycleLog.Unavailable(_log, network.Id, now.Detail);
        }

        _events.Publish();
        _changed.Pulse();
    }

    void IVl2Client.OnAddressConflict(Network network, NodeId member, in IpAddress address) => NodeLog.AddressConflict(
        _log, network.Id, member, address.ToString(), Id, network.Id.IsAdHoc
            ? "Their node addresses end in the same six digits: give one of the nodes a new identity, or use the IPv6 addresses."
            : "Give one of the two another address at the network's controller, or take the one away that was set by hand.");

    void IVl2Client.OnOnlineChanged(bool online) => UpdateOnline();

    void IVl2Client.OnPeerChanged(Peer peer, PeerChange change)
    {
        NoteChanged(peer);
        switch (change)
        {
            case PeerChange.Added when !peer.IsUpstream:
                // docs/protocol/4-libzt-api.md 7.2: a new peer has no path yet.
                _events.Add(ZeroTierEventCode.PeerRelay, peer: peer.Id);
                break;
            case PeerChange.Direct:
                _events.Add(ZeroTierEventCode.PeerPathDiscovered, peer: peer.Id);
                _events.Add(ZeroTierEventCode.PeerDirect, peer: peer.Id);
                break;
            case PeerChange.Relayed:
                _events.Add(ZeroTierEventCode.PeerPathDead, peer: peer.Id);
                _events.Add(ZeroTierEventCode.PeerRelay, peer: peer.Id);
                break;
            case PeerChange.PathAdded:
                _events.Add(ZeroTierEventCode.PeerPathDiscovered, peer: peer.Id);
                break;
            case PeerChange.PathRemoved:
                _events.Add(ZeroTierEventCode.PeerPathDead, peer: peer.Id);
                break;
            default:
                return;
        }

        _events.Publish();
    }

    void IVl2Client.OnIdentityCollision()
    {
        var error = new ZeroTierException(
            ZeroTierError.Fatal,
            $"Another node has the address {Id}: the identity of this node was copied, or stolen. Stop the other node, or give this one an "
            + "identity of its own.");
        LifecycleLog.Failed(_log, Id, error.Message);
        _fail(this, error);
    }

    void IVl2Client.OnTwin(in InetEndPoint endPoint)
    {
        long now = Options.TimeProvider.GetTimestamp();
        bool again;
        lock (_lock)
        {
            again = _twin is { } known && Options.TimeProvider.GetElapsedTime(known.Logged, now) < TwinLogInterval;
            _twin = new Twin(endPoint, now, again ? _twin!.Logged : now);
        }

        if (!again)
        {
            NodeLog.Twin(_log, Id, Warning!);
            _changed.Pulse();
        }
    }

    void IVl2Client.OnPlanetUpdated(Planet planet) => Store(() => _files?.SavePlanet(planet), "The new planet");

    void IVl2Client.OnMoonUpdated(Moon moon)
    {
        // A moon that was left in the meantime must not be used again at the next start.
        lock (_moonFiles)
        {
            if (_vl1.Moons.Any(used => used.Id == moon.Id))
            {
                Store(() => _files?.SaveMoon(moon), "The moon");
            }
        }
    }

    void IVl2Client.OnRoundTrip(int milliseconds) => _roundTrip(TimeSpan.FromMilliseconds(milliseconds));

    private void UpdateOnline()
    {
        lock (_lock)
        {
            bool online = _vl1.IsOnline;
            if (_closing || online == _online)
            {
                return;
            }

            _online = online;
            _events.Add(online ? ZeroTierEventCode.NodeOnline : ZeroTierEventCode.NodeOffline);
            Announce();
        }

        if (_vl1.IsOnline)
        {
            LifecycleLog.Online(_log, Id);
        }
        else
        {
            LifecycleLog.Offline(_log, Id);
        }

        _events.Publish();
        _changed.Pulse();
    }

    /// <summary>3.12: a status is announced while the node is online, if it differs from the one announced last.</summary>
    private void Announce()
    {
        if (!_online)
        {
            return;
        }

        foreach (var network in _networks.All)
        {
            var snapshot = network.Snapshot;
            if (network.Announced == snapshot.Status)
            {
                continue;
            }

            network.Announced = snapshot.Status;
            switch (snapshot.Status)
            {
                case ZeroTierNetworkStatus.Ok:
                    if (snapshot.Addresses.Any(a => a.Address.AddressFamily == AddressFamily.InterNetwork))
                    {
                        _events.Add(ZeroTierEventCode.NetworkReadyIPv4, network.Id);
                    }

                    if (snapshot.Addresses.Any(a => a.Address.AddressFamily == AddressFamily.InterNetworkV6))
                    {
                        _events.Add(ZeroTierEventCode.NetworkReadyIPv6, network.Id);
                    }

                    _events.Add(ZeroTierEventCode.NetworkOk, network.Id);
                    break;
                case ZeroTierNetworkStatus.NotFound:
                    _events.Add(ZeroTierEventCode.NetworkNotFound, network.Id, detail: snapshot.Detail);
                    break;
                case ZeroTierNetworkStatus.AccessDenied:
                    _events.Add(ZeroTierEventCode.NetworkAccessDenied, network.Id, detail: snapshot.Detail);
                    break;
                default:
                    // There is no event code for a login or for "not supported"; the update event carries the reason.
                    break;
            }
        }
    }

    private static ZeroTierEventCode AddressAdded(IPAddress address) =>
        address.AddressFamily == AddressFamily.InterNetwork ? ZeroTierEventCode.AddressAddedIPv4 : ZeroTierEventCode.AddressAddedIPv6;

    private static ZeroTierEventCode AddressRemoved(IPAddress address) =>
        address.AddressFamily == AddressFamily.InterNetwork ? ZeroTierEventCode.AddressRemovedIPv4 : ZeroTierEventCode.AddressRemovedIPv6;

    /// <summary>Another node with this identity, and when it was last seen and logged.</summary>
    private sealed record Twin(InetEndPoint EndPoint, long Seen, long Logged);
}
