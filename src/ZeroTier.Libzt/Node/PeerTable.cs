using ZeroTier.Libzt.Native;

namespace ZeroTier.Libzt.Node;

/// <summary>The valid part of a native peer event, copied (docs/protocol/4-libzt-api.md 7.2).</summary>
internal readonly record struct PeerNotice(NativeEvent Code, PeerInfo Info);

/// <summary>
/// The peers that libzt has reported. They cannot be queried, and libzt does not report when it forgets one, so the table is bounded: when
/// it is full, leaves go before roots, and the one reported longest ago first. Thread-safe.
/// </summary>
internal sealed class PeerTable(TimeProvider time)
{
    internal const int Capacity = 1024;

    private readonly Lock _lock = new();
    private readonly Dictionary<NodeId, Entry> _peers = [];

    /// <summary>All peers, roots first.</summary>
    public IReadOnlyList<ZeroTierPeer> Snapshot()
    {
        lock (_lock)
        {
            return [.. _peers.Values.Select(entry => entry.Peer).OrderByDescending(peer => peer.Role)];
        }
    }

    public ZeroTierPeer? Find(NodeId id)
    {
        lock (_lock)
        {
            return _peers.TryGetValue(id, out var entry) ? entry.Peer : null;
        }
    }

    /// <summary>Removes all peers: they belonged to an earlier node.</summary>
    public void Clear()
    {
        lock (_lock)
        {
            _peers.Clear();
        }
    }

    /// <summary>Processes a peer event; returns the event for subscribers, or null when nothing is new.</summary>
    public (NodeId Peer, ZeroTierEventCode Code)? Apply(in PeerNotice notice)
    {
        if (notice.Info.Id is 0 or > 0xff_ffff_ffff)
        {
            return null;
        }

        var id = new NodeId(notice.Info.Id);
        lock (_lock)
        {
            bool known = _peers.TryGetValue(id, out var entry);
            bool direct = notice.Code switch
            {
                NativeEvent.PeerDirect or NativeEvent.PeerPathDiscovered => true,
                NativeEvent.PeerRelay => false,
                _ => entry.Peer?.IsDirect ?? false,
            };
            if (!known && _peers.Count == Capacity)
            {
                _peers.Remove(_peers.MinBy(other => (other.Value.Peer.Role, other.Value.Heard)).Key);
            }

            _peers[id] = new Entry(Describe(id, notice.Info, direct), time.GetTimestamp(), notice.Code switch
            {
                NativeEvent.PeerDirect or NativeEvent.PeerRelay => notice.Code,
                _ => entry.Told,
            });

            // Codes 240 and 241 report a state and are repeated by libzt, so duplicates are dropped; 243 and 244 report a change.
            return notice.Code == entry.Told ? null : (id, (ZeroTierEventCode)notice.Code);
        }
    }

    private static ZeroTierPeer Describe(NodeId id, in PeerInfo info, bool direct) =>
        new(id, info.Role is >= 0 and <= 2 ? (ZeroTierPeerRole)info.Role : ZeroTierPeerRole.Leaf)
        {
            IsDirect = direct,
            IsRelayed = !direct,
            Latency = info.Latency >= 0 ? TimeSpan.FromMilliseconds(info.Latency) : null,
            Version = info.Major >= 0 && info.Minor >= 0 && info.Revision >= 0 ? new Version(info.Major, info.Minor, info.Revision) : null,
        };

    private readonly record struct Entry(ZeroTierPeer Peer, long Heard, NativeEvent Told);
}
