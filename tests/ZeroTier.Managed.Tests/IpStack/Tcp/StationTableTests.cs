using ZeroTier.Managed.IpStack.Tcp;

namespace ZeroTier.Managed.Tests.IpStack.Tcp;

/// <summary>The connections of a station are those that are open, in the order in which they were opened, from both ends.</summary>
public sealed class StationTableTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Connections_that_end_leave_the_others_in_their_order_wherever_they_stood(bool atClient)
    {
        using var pair = new TcpPair();
        var connections = Enumerable.Range(0, 6).Select(i => pair.Connect(port: 80 + i)).ToList();
        (StationTable table, MacAddress station) = atClient
            ? (pair.A.Layer.Stations, pair.B.Mac)
            : (pair.B.Layer.Stations, pair.A.Mac);
        List<TcpSocket> left = [.. connections.Select(c => atClient ? c.Client : c.Server)];
        Assert.Equal(left, table.Of(station));
        foreach (int index in (int[])[2, 0, 3, 1, 1, 0])
        {
            Assert.Same(left[0], table.FindOldest(station));
            left[index].Abort();
            left.RemoveAt(index);
            pair.Clock.Advance(TimeSpan.FromSeconds(1));
            Assert.Equal(left, table.Of(station));
        }

        Assert.Null(table.FindOldest(station));
        Assert.Equal(0, table.Count);
    }

    [Fact]
    public void The_oldest_is_one_whose_handshake_is_complete()
    {
        using var peer = new TcpPeer();
        using TcpListener listener = peer.Host.Layer.Listen(null, 80, new TcpListenOptions { Socket = TcpPair.Options });
        peer.Send(peer.Segment(TcpFlags.Syn, 1, port: 1));
        Assert.Single(peer.Host.Layer.Stations.Of(peer.Mac));
        Assert.Null(peer.Host.Layer.Stations.FindOldest(peer.Mac));
    }

    [Fact]
    public void Stations_are_told_apart()
    {
        using var pair = new TcpPair();
        TcpSocket client = pair.Connect().Client;
        Assert.Equal([client], pair.A.Layer.Stations.Of(pair.B.Mac));
        Assert.Empty(pair.A.Layer.Stations.Of(pair.A.Mac));
    }
}
