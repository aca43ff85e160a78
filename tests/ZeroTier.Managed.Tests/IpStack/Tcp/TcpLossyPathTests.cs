using ZeroTier.Managed.IpStack.Tcp;

namespace ZeroTier.Managed.Tests.IpStack.Tcp;

/// <summary>What keeps a connection going over a path that loses much.</summary>
public sealed class TcpLossyPathTests
{
    private const int Mss = 1000;

    // Selective acknowledgements of what is behind the gap keep coming, and show that the retransmission was lost too (RFC 8985, 3.2). At
    // 150 ms the second retransmission is answered 450 ms after the first transmission: later than a timeout that counted from the latest
    // advance.
    [Fact]
    public void A_retransmission_that_is_lost_over_a_long_path_costs_no_timeout()
    {
        using var pair = new TcpPair();
        pair.Link.IsTraced = false;
        pair.Link.Conditions.Delay = TimeSpan.FromMilliseconds(75);
        (TcpSocket client, TcpSocket server) = pair.Connect();
        long received = 0;
        _ = ReadAsync(client, count => received += count);

        // Opens the congestion window far enough for what follows.
        pair.Clock.Run(() => TcpTraffic.SendAsync(server.Output, 3_000_000, 1, complete: false), TcpPair.Minutes);
        Stream(100);
        uint? victim = null;
        int lost = 0;
        pair.Link.Filter = packet =>
        {
            Assert.True(TcpSegment.TryParse(packet.Bytes, out TcpSegment header));
            if (header.PayloadLength == 0 || lost == 2 || victim is not null && header.Sequence != victim)
            {
                return true;
            }

            victim = header.Sequence;
            lost++;
            return false;
        };
        long before = received;
        Stream(200);
        Assert.Equal(2, lost);
        Assert.Equal(2, pair.B.Layer.Statistics[TcpCounter.Retransmissions]);
        Assert.Equal(0, pair.B.Layer.Statistics[TcpCounter.RetransmissionTimeouts]);
        Assert.InRange(received - before, 1_500_000, 2_000_000);

        // 1 MB/s for so many hundredths of a second.
        void Stream(int hundredths)
        {
            for (int i = 0; i < hundredths; i++)
            {
                _ = TcpTraffic.SendAsync(server.Output, 10_000, 1, complete: false);
                pair.Clock.Advance(TimeSpan.FromMilliseconds(10));
            }
        }
    }

    // RFC 8985, 6.3.
    [Fact]
    public void After_a_timeout_what_was_sent_within_the_latest_round_trip_is_not_sent_again()
    {
        using var peer = new TcpPeer();
        peer.Open(syn: s => s with { SackPermitted = true, MaximumSegmentSize = Mss }, roundTrip: TimeSpan.FromMilliseconds(20));
        peer.Write(2 * Mss);
        peer.Clock.Advance(TimeSpan.FromMilliseconds(20));
        peer.Send(TcpFlags.Ack, peer.OurNext, peer.TheirNext + 2 * Mss);
        peer.Write(4 * Mss);

        // The tail probe repeats the last one after two round trips, and sets the timer anew: 240 ms.
        peer.Clock.Advance(TimeSpan.FromMilliseconds(235));
        peer.Write(Mss);
        peer.Forget();
        peer.Clock.Advance(TimeSpan.FromMilliseconds(10));
        Assert.Equal(1, peer.Statistics[TcpCounter.RetransmissionTimeouts]);
        uint first = peer.Expect(TcpFlags.Ack).Sequence;
        Assert.Equal(peer.TheirNext + 2 * Mss, first);

        // The peer had all but the latest, which is still on its way.
        long before = peer.Statistics[TcpCounter.Retransmissions];
        peer.Send(TcpFlags.Ack, peer.OurNext, first + 4 * Mss);
        Assert.Equal(before, peer.Statistics[TcpCounter.Retransmissions]);
    }

    [Fact]
    public void A_thousand_gaps_are_kept_in_order_and_reported_latest_first()
    {
        using var budget = new BufferBudget(TimeProvider.System, 64 << 20);
        var pool = new ChunkPool(64 << 20, budget);
        var queue = new TcpReassemblyQueue(pool);
        for (uint i = 0; i < 1000; i++)
        {
            Assert.True(queue.Insert(1 + i * 20 % 20_000, new byte[10], 0, 1 << 20));
        }

        Assert.Equal(10_000, queue.Length);
        var blocks = default(SackBlocks);
        Assert.Equal(3, queue.Report(0, 0, 3, ref blocks));
        Assert.Equal(new SackBlock(19_981, 19_991), blocks[0]);
        Assert.Equal(new SackBlock(19_961, 19_971), blocks[1]);
        Assert.Equal(new SackBlock(5_001, 5_005), queue.FindHeld(4_995, 5_005));
        Assert.Null(queue.FindHeld(5_011, 5_021));

        // The gaps close from the front.
        Assert.True(queue.Insert(11, new byte[10], 0, 1 << 20));
        Assert.Equal(31u, queue.ContiguousEnd(1));
        Assert.Equal(30, queue.Drain(1, null));
        Assert.Equal(9_980, queue.Length);
        queue.Clear();
        Assert.Equal(0, queue.Length);
        Assert.Equal(0, pool.Outstanding);
    }

    private static async Task ReadAsync(TcpSocket socket, Action<long> count)
    {
        while (await socket.Input.ReadAsync() is { IsCompleted: false } result)
        {
            count(result.Buffer.Length);
            socket.Input.AdvanceTo(result.Buffer.End);
        }
    }
}
