using ZeroTier.Managed.IpStack.Tcp;

namespace ZeroTier.Managed.Tests.IpStack.Tcp;

/// <summary>What the link tells TCP of a peer: it was heard again, or it may have restarted.</summary>
public sealed class TcpOutageTests
{
    [Fact]
    public async Task Peer_heard_again_retransmits_at_once_and_once_only()
    {
        using var pair = new TcpPair();
        (TcpSocket client, TcpSocket server) = pair.Connect();
        pair.Link.Conditions.Cut = true;
        _ = TcpTraffic.SendAsync(client.Output, 50_000, 1);
        Task<long> receiving = TcpTraffic.ReceiveAsync(server.Input, 1);
        pair.Clock.Advance(TimeSpan.FromSeconds(40));

        // Still cut: one more segment, however often the peer is heard, and the waiting begins anew.
        long before = pair.A.Layer.Statistics[TcpCounter.Retransmissions];
        Heard(pair);
        Heard(pair);
        Assert.Equal(before + 1, pair.A.Layer.Statistics[TcpCounter.Retransmissions]);
        pair.Clock.Advance(TimeSpan.FromSeconds(1));
        Heard(pair);
        Assert.InRange(pair.A.Layer.Statistics[TcpCounter.Retransmissions], before + 1, before + 3);
        pair.Link.Conditions.Cut = false;
        Assert.True(pair.Clock.RunUntil(() => receiving.IsCompleted, TimeSpan.FromSeconds(5)));
        Assert.Equal(50_000, await receiving);
    }

    [Fact]
    public void Peer_heard_again_after_the_cut_the_transfer_goes_on_within_a_round_trip()
    {
        using var pair = new TcpPair();
        (TcpSocket client, TcpSocket server) = pair.Connect();
        _ = TcpTraffic.SendAsync(client.Output, 50_000_000, 1, complete: false);
        _ = TcpTraffic.ReceiveAsync(server.Input, 1);
        pair.Link.Conditions.Bandwidth = 1_000_000;
        pair.Clock.Advance(TimeSpan.FromSeconds(1));
        for (int outage = 0; outage < 2; outage++)
        {
            pair.Link.Conditions.Cut = true;
            pair.Clock.Advance(TimeSpan.FromSeconds(40));
            pair.Link.Conditions.Cut = false;
            long before = pair.B.Layer.Statistics[TcpCounter.BytesReceived];
            pair.Clock.Advance(TimeSpan.FromSeconds(1));
            Assert.Equal(before, pair.B.Layer.Statistics[TcpCounter.BytesReceived]);
            Heard(pair);
            pair.Clock.Advance(TimeSpan.FromSeconds(1));
            Assert.True(pair.B.Layer.Statistics[TcpCounter.BytesReceived] > before + 100_000, "The transfer stands still.");
        }
    }

    [Fact]
    public void Peer_heard_again_attempts_to_connect_and_probes_of_a_closed_window_are_repeated_too()
    {
        using var pair = new TcpPair();
        (TcpSocket client, TcpSocket server) = pair.Connect();
        _ = TcpTraffic.SendAsync(client.Output, 5_000_000, 1);
        pair.Clock.Advance(TimeSpan.FromSeconds(5));

        // The window is shut. The update that opens it is lost, and so are the probes.
        pair.Link.Conditions.Cut = true;
        Task<long> receiving = TcpTraffic.ReceiveAsync(server.Input, 1);
        using TcpListener listener = pair.B.Layer.Listen(null, 81, new TcpListenOptions { Socket = TcpPair.Options });
        Task<TcpSocket> connecting = pair.A.Layer.ConnectAsync(
            pair.A.Address, pair.B.Address, 81, TcpPair.Options, CancellationToken.None).AsTask();
        pair.Clock.Advance(TimeSpan.FromSeconds(33));
        pair.Link.Conditions.Cut = false;
        Heard(pair);
        pair.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.True(connecting.IsCompletedSuccessfully);
        Assert.True(receiving.IsCompletedSuccessfully);
    }

    [Fact]
    public void Peer_heard_again_other_peers_and_connections_that_wait_for_nothing_send_nothing()
    {
        using var pair = new TcpPair();
        (TcpSocket client, TcpSocket server) = pair.Connect();
        long idle = pair.Link.PacketsSent;
        Heard(pair);
        Assert.Equal(idle, pair.Link.PacketsSent);

        pair.Link.Conditions.Cut = true;
        _ = TcpTraffic.SendAsync(client.Output, 1000, 1);
        pair.Clock.Advance(TimeSpan.FromSeconds(40));
        long before = pair.Link.PacketsSent;
        pair.A.Layer.OnPeerHeard((_, _) => false);
        Assert.Equal(before, pair.Link.PacketsSent);
        pair.Link.Conditions.Cut = false;
        pair.Clock.Advance(TimeSpan.FromSeconds(60));
        Assert.True(server.Input.TryRead(out _));
        before = pair.Link.PacketsSent;
        Heard(pair);
        Assert.Equal(before, pair.Link.PacketsSent);
    }

    [Fact]
    public void Peer_restarted_connections_that_it_no_longer_knows_end_in_a_round_trip_and_others_go_on()
    {
        using var pair = new TcpPair();
        (TcpSocket client, TcpSocket server) = pair.Connect();
        pair.Clock.Advance(TimeSpan.FromSeconds(10));
        pair.A.Layer.OnPeerRestarted(pair.B.Mac);
        pair.A.Layer.OnPeerRestarted(pair.B.Mac);
        pair.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(1, pair.A.Layer.Statistics[TcpCounter.KeepAliveProbes]);
        Assert.False(client.ReceiveEnded.IsCompleted);

        // The peer forgets everything without a word.
        pair.Link.Conditions.Cut = true;
        server.Abort();
        pair.Clock.Advance(TimeSpan.FromSeconds(1));
        pair.Link.Conditions.Cut = false;
        pair.Clock.Advance(TimeSpan.FromSeconds(10));
        Assert.False(client.ReceiveEnded.IsCompleted);
        pair.A.Layer.OnPeerRestarted(pair.B.Mac);
        pair.Clock.Advance(TimeSpan.FromMilliseconds(100));
        Assert.Equal(TcpError.ConnectionReset, TcpPeer.ResultOf(client.ReceiveEnded)!.Error);
    }

    [Fact]
    public void Peer_restarted_the_oldest_connection_stands_for_all_and_no_other_peer_is_asked()
    {
        using var pair = new TcpPair();
        using var third = new TcpHost(pair.Link, 3);
        var clients = Enumerable.Range(0, 10).Select(i => pair.Connect(port: 80 + i).Client).ToList();
        using TcpListener listener = third.Layer.Listen(null, 80, new TcpListenOptions { Socket = TcpPair.Options });
        TcpSocket other = pair.Clock.Run(
            () => pair.A.Layer.ConnectAsync(pair.A.Address, third.Address, 80, TcpPair.Options, CancellationToken.None).AsTask(),
            TcpPair.Minutes);
        pair.Clock.Advance(TimeSpan.FromSeconds(1));

        // A HELLO as each node sends one every minute.
        long before = pair.Link.PacketsSent;
        pair.A.Layer.OnPeerRestarted(pair.B.Mac);
        pair.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(1, pair.A.Layer.Statistics[TcpCounter.KeepAliveProbes]);
        Assert.Equal(before + 2, pair.Link.PacketsSent);

        // A restart, without a word to the connections.
        pair.Link.Conditions.Cut = true;
        pair.B.Layer.Abort(station: null, "");
        pair.Clock.Advance(TimeSpan.FromSeconds(1));
        pair.Link.Conditions.Cut = false;
        pair.A.Layer.OnPeerRestarted(pair.B.Mac);
        pair.Clock.Advance(TimeSpan.FromMilliseconds(100));
        Assert.All(clients, client => Assert.Equal(TcpError.ConnectionReset, TcpPeer.ResultOf(client.ReceiveEnded)!.Error));
        Assert.Equal(1 + clients.Count, pair.A.Layer.Statistics[TcpCounter.KeepAliveProbes]);
        Assert.False(other.ReceiveEnded.IsCompleted);
    }

    [Fact]
    public void Peer_restarted_one_connection_reset_later_for_a_reason_of_its_own_says_nothing_of_the_others()
    {
        using var pair = new TcpPair();
        TcpSocket server = pair.Connect().Server;
        TcpSocket other = pair.Connect(port: 81).Client;
        pair.Clock.Advance(TimeSpan.FromSeconds(1));
        pair.A.Layer.OnPeerRestarted(pair.B.Mac);
        pair.Clock.Advance(TimeSpan.FromSeconds(1));

        server.Abort();
        pair.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(1, pair.A.Layer.Statistics[TcpCounter.KeepAliveProbes]);
        Assert.False(other.ReceiveEnded.IsCompleted);
    }

    [Fact]
    public void Peer_restarted_connections_opened_since_do_not_hide_that_older_ones_are_lost()
    {
        using var pair = new TcpPair();
        TcpSocket lost = pair.Connect().Client;
        pair.Link.Conditions.Cut = true;
        pair.B.Layer.Abort(station: null, "");
        pair.Clock.Advance(TimeSpan.FromSeconds(1));
        pair.Link.Conditions.Cut = false;
        TcpSocket young = pair.Connect(port: 81).Client;

        pair.A.Layer.OnPeerRestarted(pair.B.Mac);
        pair.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(TcpError.ConnectionReset, TcpPeer.ResultOf(lost.ReceiveEnded)!.Error);
        Assert.False(young.ReceiveEnded.IsCompleted);
    }

    private static void Heard(TcpPair pair) =>
        pair.A.Layer.OnPeerHeard((mac, address) => mac == pair.B.Mac || mac == default && address == pair.B.Address);
}
