using Microsoft.Extensions.Time.Testing;
using ZeroTier.Libzt.Native;
using ZeroTier.Libzt.Node;

namespace ZeroTier.Libzt.Tests.Node;

public sealed class PeerTableTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly PeerTable _peers;

    public PeerTableTests() => _peers = new PeerTable(_time);

    [Fact]
    public void A_direct_peer_is_listed_with_what_is_known()
    {
        var news = Apply(
            NativeEvent.PeerDirect, 0x1122334455, info => info with { Major = 1, Minor = 12, Revision = 0, Latency = 7, Role = 2 });

        Assert.Equal((new NodeId(0x1122334455), ZeroTierEventCode.PeerDirect), news);
        var peer = Assert.Single(_peers.Snapshot());
        Assert.True(peer.IsDirect);
        Assert.False(peer.IsRelayed);
        Assert.Empty(peer.Paths);
        Assert.Equal(new Version(1, 12, 0), peer.Version);
        Assert.Equal(TimeSpan.FromMilliseconds(7), peer.Latency);
        Assert.Equal(ZeroTierPeerRole.Planet, peer.Role);
        Assert.Equal(peer, _peers.Find(peer.Id));
    }

    [Fact]
    public void Unknown_values_stay_unknown()
    {
        Apply(NativeEvent.PeerRelay, 5, info => info with { Role = 77 });

        var peer = Assert.Single(_peers.Snapshot());
        Assert.Null(peer.Version);
        Assert.Null(peer.Latency);
        Assert.False(peer.IsDirect);
        Assert.True(peer.IsRelayed);
        Assert.Equal(ZeroTierPeerRole.Leaf, peer.Role);
    }

    [Fact]
    public void A_state_that_is_told_twice_is_news_once()
    {
        Assert.NotNull(Apply(NativeEvent.PeerDirect, 5));
        Assert.Null(Apply(NativeEvent.PeerDirect, 5));
        Assert.NotNull(Apply(NativeEvent.PeerPathDead, 5));
        Assert.NotNull(Apply(NativeEvent.PeerRelay, 5));
        Assert.NotNull(Apply(NativeEvent.PeerDirect, 5));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0xff_ffff_ffff_ff)]
    public void An_address_that_no_node_has_is_ignored(ulong id)
    {
        Assert.Null(Apply(NativeEvent.PeerDirect, id));
        Assert.Empty(_peers.Snapshot());
    }

    [Fact]
    public void The_table_is_bounded_and_keeps_roots_and_those_heard_of_last()
    {
        Apply(NativeEvent.PeerDirect, 1, info => info with { Role = 2 });
        for (ulong id = 2; id < 2 + 2 * PeerTable.Capacity; id++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            Apply(NativeEvent.PeerRelay, id);
        }

        var peers = _peers.Snapshot();
        Assert.Equal(PeerTable.Capacity, peers.Count);
        Assert.Equal(new NodeId(1), peers[0].Id);
        Assert.Null(_peers.Find(new NodeId(2)));
        Assert.NotNull(_peers.Find(new NodeId(1 + 2 * PeerTable.Capacity)));
    }

    private (NodeId Peer, ZeroTierEventCode Code)? Apply(NativeEvent code, ulong id, Func<PeerInfo, PeerInfo>? change = null)
    {
        var info = new PeerInfo { Id = id, Major = -1, Minor = -1, Revision = -1, Latency = -1 };
        return _peers.Apply(new PeerNotice(code, change is null ? info : change(info)));
    }
}
