using ZeroTier.Managed.IpStack.Tcp;

namespace ZeroTier.Managed.Tests.IpStack.Tcp;

/// <summary>What keeps a connection going over a path that loses much.</summary>
public sealed class TcpLossyPathTests
{
    private const int Mss = 1000;

    // Of the receive window.
    private const int Span = 16 << 20;

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
        Assert.Equal(1000, Open(queue, 1000, 256, 512));
        Assert.Equal(256_000, queue.Length);
        var blocks = default(SackBlocks);
        Assert.Equal(3, queue.Report(0, 0, 3, ref blocks));
        Assert.Equal(new SackBlock(511_489, 511_745), blocks[0]);
        Assert.Equal(new SackBlock(510_977, 511_233), blocks[1]);
        Assert.Equal(new SackBlock(5_121, 5_130), queue.FindHeld(5_000, 5_130));
        Assert.Null(queue.FindHeld(5_377, 5_633));

        // The gaps close from the front.
        Assert.True(queue.Insert(257, new byte[256], 0, Span));
        Assert.Equal(769u, queue.ContiguousEnd(1));
        Assert.Equal(768, queue.Drain(1, null));
        Assert.Equal(255_488, queue.Length);
        queue.Clear();
        Assert.Equal(0, queue.Length);
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void Tiny_segments_open_few_ranges_and_large_ones_many()
    {
        using var budget = new BufferBudget(TimeProvider.System, 64 << 20);
        var queue = new TcpReassemblyQueue(new ChunkPool(64 << 20, budget));
        Assert.Equal(TcpReassemblyQueue.MaxShortRanges, Open(queue, 1000, 1, 2));

        // Data that opens no range is taken even so, and makes room for ranges when it makes the others longer.
        Assert.True(queue.Insert(2, new byte[1], 0, Span));
        Assert.True(queue.Insert(1, new byte[1 << 16], 0, Span));
        Assert.True(queue.Insert(1 << 17, new byte[1], 0, Span));
        queue.Clear();
        Assert.Equal(5000, Open(queue, 5000, 1400, 2800));
        queue.Clear();
        Assert.Equal(TcpReassemblyQueue.MaxShortRanges, Open(queue, 5000, 255, 512));
        queue.Clear();
        Assert.Equal(TcpReassemblyQueue.MaxRanges, Open(queue, 20_000, 256, 512));
    }

    // Inserts ranges of this length until one is refused.
    private static int Open(TcpReassemblyQueue queue, int most, int length, uint step)
    {
        byte[] data = new byte[length];
        int count = 0;
        while (count < most && queue.Insert(1 + (uint)count * step, data, 0, Span))
        {
            count++;
        }

        return count;
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
