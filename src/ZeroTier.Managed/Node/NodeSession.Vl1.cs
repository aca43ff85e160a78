using System.Buffers.Binary;
using ZeroTier.Managed.Datagrams;
using ZeroTier.Managed.IpStack;
using ZeroTier.Managed.Vl1;
using ZeroTier.Managed.Vl2;

namespace ZeroTier.Managed.Node;

/// <summary>What VL1 tells the node.</summary>
internal sealed partial class NodeSession : IVl1Client
{
    private const int NetworkIdLength = 8;

    PacketResult IVl1Client.OnPacket(Peer peer, Verb verb, in PacketInfo info, ReadOnlySpan<byte> payload)
    {
        switch (verb)
        {
            case Verb.Frame or Verb.ExtFrame when payload.Length < NetworkIdLength:
                _drops.Add(Vl2Drop.Malformed);
                return PacketResult.Ignored;

            case Verb.Frame or Verb.ExtFrame:
                if (FindPort(BinaryPrimitives.ReadUInt64BigEndian(payload)) is not { } port)
                {
                    _drops.Add(Vl2Drop.NotJoined);
                    return PacketResult.Ignored;
                }

                return verb == Verb.Frame ? port.OnFrame(peer.Id, payload) : port.OnExtFrame(peer.Id, info.PacketId, payload);

            default:
                _drops.Add(Vl2Drop.Unsupported);
                return PacketResult.Ignored;
        }
    }

    void IVl1Client.OnBatchEnd()
    {
        foreach (var network in _networks)
        {
            network.Stack?.EndOfBatch();
        }
    }

    void IVl1Client.OnOnlineChanged(bool online) => UpdateOnline();

    void IVl1Client.OnPeerChanged(Peer peer, PeerChange change)
    {
        _peersChanged = true;
        switch (change)
        {
            case PeerChange.Added when !peer.IsUpstream:
                // 4-7.2: the first sight of a peer without a path.
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

    void IVl1Client.OnIdentityCollision()
    {
        var error = new ZeroTierException(
            ZeroTierError.Fatal,
            $"Another node has the address {Id}: the identity of this node was copied, or stolen. Stop the other node, or give this one an identity of its own.");
        NodeLog.Failed(_log, Id, error.Message);
        _fail(this, error);
    }

    void IVl1Client.OnPlanetUpdated(Planet planet) => Store(() => _files?.SavePlanet(planet), "The new planet");

    bool IVl1Client.IsVirtualAddress(in InetEndPoint endPoint)
    {
        Span<byte> bytes = stackalloc byte[16];
        if (endPoint.IsNone)
        {
            return false;
        }

        int length = endPoint.WriteAddress(bytes);
        var address = length == 4 ? IpAddress.ReadIPv4(bytes) : IpAddress.ReadIPv6(bytes);
        foreach (var network in _networks)
        {
            if (network.Stack is not { } stack)
            {
                continue;
            }

            foreach (var own in network.Port!.Configuration.Addresses)
            {
                if (address.IsInPrefix(own.Address, own.PrefixLength))
                {
                    return true;
                }
            }
        }

        return false;
    }

    private VirtualPort? FindPort(ulong network)
    {
        foreach (var joined in _networks)
        {
            if (joined.Id.Value == network)
            {
                return joined.Port;
            }
        }

        return null;
    }

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
            NodeLog.Online(_log, Id);
        }
        else
        {
            NodeLog.Offline(_log, Id);
        }

        _events.Publish();
        _changed.Pulse();
    }

    /// <summary>3.12: states are announced while the node is online, and each only when it differs from the last one announced.</summary>
    private void Announce()
    {
        if (!_online)
        {
            return;
        }

        foreach (var network in _networks)
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
                    if (snapshot.Addresses.Any(a => a.Address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork))
                    {
                        _events.Add(ZeroTierEventCode.NetworkReadyIPv4, network.Id);
                    }

                    if (snapshot.Addresses.Any(a => a.Address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6))
                    {
                        _events.Add(ZeroTierEventCode.NetworkReadyIPv6, network.Id);
                    }

                    _events.Add(ZeroTierEventCode.NetworkOk, network.Id);
                    break;
                case ZeroTierNetworkStatus.NotFound:
                    _events.Add(ZeroTierEventCode.NetworkNotFound, network.Id, detail: snapshot.Detail);
                    break;
                default:
                    // There is no number for "not supported"; the update event carries the reason.
                    break;
            }
        }
    }
}
