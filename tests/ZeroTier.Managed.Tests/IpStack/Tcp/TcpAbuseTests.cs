using System.IO.Pipelines;
using ZeroTier.Managed.IpStack;
using ZeroTier.Managed.IpStack.Tcp;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.IpStack.Tcp;

/// <summary>Peers that mean harm: memory stays bounded, nothing escapes, nothing stays behind.</summary>
public sealed class TcpAbuseTests
{
    [Fact]
    public void Syn_flood_half_open_connections_are_bounded_and_an_honest_handshake_gets_through()
    {
        using var peer = new TcpPeer();
        peer.Link.Filter = _ => false;
        using TcpListener listener = peer.Host.Layer.Listen(null, 80, new TcpListenOptions { Socket = TcpPair.Options });
        for (int i = 0; i < 20_000; i++)
        {
            peer.Send(peer.Segment(TcpFlags.Syn, (uint)i, port: (ushort)(1 + i % 60_000)));
            Assert.InRange(peer.Host.Layer.HalfOpenCount, 1, 512);
        }

        Assert.Equal(peer.Host.Layer.HalfOpenCount, peer.Host.Layer.SocketCount);
        Assert.Equal(0, peer.Host.Layer.Chunks.Outstanding);
        Assert.Equal(20_000 - 512, peer.Statistics[TcpCounter.SynCookiesSent]);

        // Others need no place, and take none away.
        using var honest = new TcpHost(peer.Link, 2);
        peer.Link.Filter = null;
        Task<TcpSocket> connect = honest.Layer.ConnectAsync(
            honest.Address, peer.Host.Address, 80, TcpPair.Options, CancellationToken.None).AsTask();
        peer.Clock.RunUntilIdle();
        Assert.True(connect.IsCompletedSuccessfully);
        Assert.Equal(1, peer.Host.Layer.ConnectionCount);
        Assert.Equal(512, peer.Host.Layer.HalfOpenCount);
        listener.Dispose();
        peer.Host.AssertClean();
    }

    [Fact]
    public async Task Accept_cancelled_leaves_no_waiter_behind()
    {
        using var pair = new TcpPair();
        using TcpListener listener = pair.B.Layer.Listen(null, 80, new TcpListenOptions { Socket = TcpPair.Options });
        for (int i = 0; i < 10; i++)
        {
            using var cancellation = new CancellationTokenSource();
            Task<TcpSocket?> accept = listener.AcceptAsync(cancellation.Token).AsTask();
            await cancellation.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => accept);
        }

        Assert.Equal(0, listener.WaiterCount);
    }

    [Fact]
    public void Connect_a_thousand_at_once_all_succeed_and_none_is_reset()
    {
        using var pair = new TcpPair();
        using TcpListener listener = pair.B.Layer.Listen(null, 80, new TcpListenOptions { Socket = TcpPair.Options });
        var attempts = new List<Task<TcpSocket>>();
        for (int i = 0; i < 1000; i++)
        {
            attempts.Add(pair.A.Layer.ConnectAsync(pair.A.Address, pair.B.Address, 80, TcpPair.Options, CancellationToken.None).AsTask());
        }

        int accepted = 0;
        Task<TcpSocket?> accept = listener.AcceptAsync(CancellationToken.None).AsTask();
        for (int second = 0; second < 20; second++)
        {
            pair.Clock.Advance(TimeSpan.FromSeconds(1));
            for (; accept.IsCompletedSuccessfully; accept = listener.AcceptAsync(CancellationToken.None).AsTask())
            {
                accepted++;
            }
        }

        Assert.All(attempts, attempt => Assert.True(attempt.IsCompletedSuccessfully));
        Assert.Equal(1000, accepted);
        Assert.All(attempts, attempt => Assert.False(attempt.Result.ReceiveEnded.IsCompleted));
    }

    [Fact]
    public void Syn_flood_of_one_member_pushes_nobodys_handshake_out()
    {
        using var peer = new TcpPeer();
        peer.Link.Filter = _ => false;
        using TcpListener listener = peer.Host.Layer.Listen(null, 80, new TcpListenOptions { Socket = TcpPair.Options });
        MacAddress honest = peer.Mac;
        peer.Send(peer.Segment(TcpFlags.Syn, 1000, port: 1));
        peer.Mac = new MacAddress(0x0200_0000_0064);
        for (int i = 0; i < 5_000; i++)
        {
            peer.Send(peer.Segment(TcpFlags.Syn, (uint)i, port: (ushort)(2 + i)));
        }

        Assert.Equal(512, peer.Host.Layer.HalfOpenCount);
        peer.Mac = honest;
        peer.Send(peer.Segment(TcpFlags.Rst, 1001, port: 1));
        Assert.Equal(511, peer.Host.Layer.HalfOpenCount);
    }

    [Fact]
    public async Task Connect_cancelled_leaves_no_handshake_behind()
    {
        using var pair = new TcpPair();
        pair.Link.Conditions.Cut = true;
        using var cancellation = new CancellationTokenSource();
        Task<TcpSocket> attempt = pair.A.Layer.ConnectAsync(
            pair.A.Address, pair.B.Address, 80, TcpPair.Options, cancellation.Token).AsTask();
        pair.Clock.Advance(TimeSpan.FromMilliseconds(100));
        Assert.Equal(1, pair.A.Layer.SocketCount);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => attempt);
        pair.A.AssertClean();
    }

    [Fact]
    public void Dispose_unread_input_gives_its_memory_back()
    {
        using var pool = new CountingPool();
        using var pair = new TcpPair();
        var input = new PipeOptions(
            pool, PipeScheduler.Inline, PipeScheduler.Inline, useSynchronizationContext: false);
        (TcpSocket client, TcpSocket server) = pair.Connect(server: TcpPair.Options with { Input = input });
        pair.Clock.Run(() => TcpTraffic.SendAsync(client.Output, 10_000, 1), TcpPair.Minutes);
        pair.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.NotEqual(0, pool.Rented);
        server.Dispose();
        client.Dispose();
        pair.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(0, pool.Rented);
    }

    [Fact]
    public async Task Connect_while_the_layer_is_disposed_of_ends()
    {
        using var pair = new TcpPair();
        var output = new DisposingOutput(pair.Link.OutputOf(pair.A.Mac));
        using var layer = new TcpLayer(output, pair.Clock, new SeededRandom(7), new TcpLayerOptions { Scheduler = PipeScheduler.Inline });
        output.Layer = layer;
        Task<TcpSocket> attempt = layer.ConnectAsync(pair.A.Address, pair.B.Address, 80, TcpPair.Options, CancellationToken.None).AsTask();
        Assert.True(attempt.IsCompleted);
        await Assert.ThrowsAsync<TcpException>(() => attempt);
        Assert.Equal(0, layer.SocketCount);
    }

    [Fact]
    public void Backlog_nobody_accepts_is_bounded_and_earlier_ones_are_served()
    {
        using var pair = new TcpPair();
        using TcpListener listener = pair.B.Layer.Listen(null, 80, new TcpListenOptions { Socket = TcpPair.Options, Backlog = 8 });
        var attempts = new List<Task<TcpSocket>>();
        for (int i = 0; i < 30; i++)
        {
            attempts.Add(pair.A.Layer.ConnectAsync(pair.A.Address, pair.B.Address, 80, TcpPair.Options, CancellationToken.None).AsTask());
        }

        pair.Clock.Advance(TimeSpan.FromSeconds(5));
        Assert.InRange(pair.B.Layer.ConnectionCount, 1, 8);
        Assert.InRange(pair.B.Layer.HalfOpenCount, 0, 8);
        for (int i = 0; i < 8; i++)
        {
            Assert.True(listener.AcceptAsync(CancellationToken.None).IsCompletedSuccessfully);
        }

        pair.Clock.Advance(TimeSpan.FromSeconds(100));
        pair.A.Dispose();
        pair.B.Dispose();
        pair.A.AssertClean();
        pair.B.AssertClean();
        Assert.All(attempts, attempt => Assert.True(attempt.IsCompleted));
    }

    [Fact]
    public void Rule_5_8_Handshakes_that_end_in_one_batch_keep_to_the_backlog()
    {
        const int Backlog = 4;
        using var peer = new TcpPeer();
        using TcpListener listener = peer.Host.Layer.Listen(null, 80, new TcpListenOptions { Socket = TcpPair.Options, Backlog = Backlog });
        for (int round = 0; round < 2; round++)
        {
            var answers = new List<TcpSegment>();
            for (int i = 0; i < Backlog; i++)
            {
                ushort port = (ushort)(1000 + 100 * round + i);
                peer.Send(peer.Segment(TcpFlags.Syn, peer.OurNext - 1, port: port));
                answers.Add(peer.Expect(TcpFlags.Syn | TcpFlags.Ack));
            }

            // One of the queue is accepted, so the next batch finds a single place.
            for (int i = 0; i < Backlog; i++)
            {
                // A segment that completes nothing gives its place back.
                peer.Post(peer.Segment(TcpFlags.Ack, peer.OurNext, answers[i].Sequence + 77, port: answers[i].DestinationPort));
                peer.Post(peer.Segment(TcpFlags.Ack, peer.OurNext, answers[i].Sequence + 1, port: answers[i].DestinationPort));
            }

            peer.Host.Layer.EndOfBatch();
            peer.Forget();
            Assert.Equal(Backlog + round, peer.Host.Layer.ConnectionCount);
            Assert.True(listener.AcceptAsync(CancellationToken.None).IsCompletedSuccessfully);
        }

        Assert.Equal(2 * (Backlog - 1), peer.Statistics[TcpCounter.SynDropped]);
    }

    [Fact]
    public void Out_of_order_flood_tiny_segments_hold_no_more_than_the_window()
    {
        using var peer = new TcpPeer();
        peer.Open(TcpPair.Options with { ReceiveWindow = 65535, MaxReceiveWindow = 65535 });
        peer.Link.Filter = _ => false;
        var random = new SeededRandom(3);
        for (int i = 0; i < 20_000; i++)
        {
            peer.Send(TcpFlags.Ack, peer.OurNext + 1 + (uint)random.Next(100_000), peer.TheirNext, payload: "z");
        }

        Assert.InRange(peer.Host.Layer.Chunks.Outstanding, 1, 65535 / ChunkPool.ChunkSize + 2);
        peer.Socket.Abort();
        peer.Host.AssertClean();
    }

    [Fact]
    public void Out_of_order_flood_holds_no_more_than_its_share_of_the_layers_bound()
    {
        using var peer = new TcpPeer(new TcpLayerOptions { MaxOutOfOrderBytes = 10 * ChunkPool.ChunkSize });
        peer.Open(TcpPair.Options);
        peer.Link.Filter = _ => false;
        for (uint i = 0; i < 200; i++)
        {
            peer.Send(TcpFlags.Ack, peer.OurNext + 1 + i * 300, peer.TheirNext, payload: "z");
        }

        // One connection has its 32 KiB, and beyond them as much as it leaves to others.
        Assert.Equal(8, peer.Host.Layer.Chunks.Outstanding);
    }

    [Fact]
    public void Time_wait_is_bounded()
    {
        var table = new TimeWaitTable(TimeSpan.TicksPerMinute, 100);
        for (int i = 0; i < 5000; i++)
        {
            table.Add(new ConnectionKey(IpAddress.FromIPv4(1), IpAddress.FromIPv4(2), 80, (ushort)(i + 1)), default, i);
        }

        Assert.InRange(table.Count, 50, 100);
        table.Add(new ConnectionKey(IpAddress.FromIPv4(1), IpAddress.FromIPv4(2), 80, 1), default, TimeSpan.TicksPerHour);
        Assert.Equal(1, table.Count);
    }

    [Fact]
    public void Parser_mutated_segments_never_throws_and_stays_inside()
    {
        var random = new SeededRandom(11);
        Span<byte> bytes = stackalloc byte[80];
        for (int i = 0; i < 200_000; i++)
        {
            int length = random.Next(80);
            random.Fill(bytes[..length]);
            if (length > 13)
            {
                bytes[12] = (byte)(random.Next(4) == 0 ? bytes[12] : Math.Min(length / 4, 15) << 4);
            }

            if (TcpSegment.TryParse(bytes[..length], out TcpSegment segment))
            {
                Assert.InRange(segment.HeaderBytes, 20, length);
                Assert.InRange(segment.SackCount, 0, SackBlocks.Capacity);
                Assert.Equal(length, segment.HeaderBytes + segment.PayloadLength);
            }
        }
    }

    [Fact]
    public void Live_connection_mutated_segments_nothing_escapes_and_nothing_stays()
    {
        for (ulong seed = 1; seed <= 150; seed++)
        {
            var random = new SeededRandom(seed);
            using var pair = new TcpPair(seed);
            (TcpSocket client, TcpSocket server) = pair.Connect();
            pair.Link.Filter = packet =>
            {
                if (random.Next(10) == 0)
                {
                    pair.Clock.Schedule(TimeSpan.FromMilliseconds(1 + random.Next(20)), () => pair.Link.Deliver(Mutate(packet, random)));
                }

                return true;
            };
            _ = TcpTraffic.SendAsync(client.Output, 30_000, 1);
            _ = TcpTraffic.SendAsync(server.Output, 30_000, 2);
            Task up = DrainAsync(server);
            Task down = DrainAsync(client);
            pair.Clock.Advance(TimeSpan.FromMinutes(1));
            client.Abort();
            server.Abort();
            pair.Clock.Advance(TimeSpan.FromMinutes(1));
            Assert.True(up.IsCompleted && down.IsCompleted, $"Seed {seed}: an end still waits.");
            pair.A.AssertClean();
            pair.B.AssertClean();
        }

        // A forged segment may bring wrong bytes: only a key could prevent that. It must not break anything else.
        static async Task DrainAsync(TcpSocket socket)
        {
            try
            {
                await socket.Input.CopyToAsync(Stream.Null);
            }
            catch (TcpException)
            {
            }
        }

        static Packet Mutate(Packet packet, SeededRandom random)
        {
            byte[] bytes = [.. packet.Bytes];
            for (int i = random.Next(3); i >= 0; i--)
            {
                bytes[4 + random.Next(Math.Min(bytes.Length, 60) - 4)] = (byte)random.Next(256);
            }

            bytes[16] = 0;
            bytes[17] = 0;
            ushort sum = InternetChecksum.Transport(packet.Source, packet.Destination, IpProtocol.Tcp, bytes);
            bytes[16] = (byte)(sum >> 8);
            bytes[17] = (byte)sum;
            return packet with { Bytes = bytes };
        }
    }

    /// <summary>Disposes of the layer at the moment at which a connection is being made.</summary>
    private sealed class DisposingOutput(IIpOutput inner) : IIpOutput
    {
        public TcpLayer? Layer { get; set; }

        public int MaxPayload(in IpAddress destination)
        {
            Layer?.Dispose();
            return inner.MaxPayload(destination);
        }

        public IpBatch BeginBatch() => inner.BeginBatch();
    }
}
