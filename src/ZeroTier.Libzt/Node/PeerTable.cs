using ZeroTier.Libzt.Native;

namespace ZeroTier.Libzt.Node;

/// <summary>A native peer event, copied: only these parts of it make sense (docs/protocol/4-libzt-api.md 7.2).</summary>
internal readonly record struct PeerNotice(NativeEvent Code, PeerInfo Info);

/// <summary>
/// The peers that libzt has told of. There is no call to ask for them, and it does not say when it forgets one; so the table is bounded and
/// those that were not heard of for longest go first. Thread-safe.
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

    /// <summary>Forgets all: the peers were those of an earlier node.</summary>
    public void Clear()
    {
        lock (_lock)
        {
            _peers.Clear();
        }
    }

    /// <summary>Takes in a notice; gives what to tell subscribers, null when it says nothing new.</summary>
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

            // 240 and 241 tell a state, and libzt repeats them; 243 and 244 tell a change.
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
