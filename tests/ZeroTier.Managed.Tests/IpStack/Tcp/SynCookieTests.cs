using ZeroTier.Managed.IpStack;
using ZeroTier.Managed.IpStack.Tcp;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.IpStack.Tcp;

/// <summary>More handshakes at once than a listener keeps state for (RFC 4987, 3.6).</summary>
public sealed class SynCookieTests
{
    private const int Backlog = 4;

    [Theory]
    [InlineData(8, 0)]
    [InlineData(8, 20)]
    [InlineData(40, 20)]
    public void Rule_5_12_Five_thousand_handshakes_at_once_all_succeed_and_none_is_reset(int members, int delay)
    {
        const int Handshakes = 5000;
        var clock = new VirtualClock();
        var link = new TcpLink(clock, seed: 1) { IsTraced = false };
        link.Conditions.Delay = TimeSpan.FromMilliseconds(delay);
        using var server = new TcpHost(link, 1);
        TcpHost[] clients = [.. Enumerable.Range(2, members).Select(number => new TcpHost(link, number))];
        using TcpListener listener = server.Layer.Listen(null, 80, new TcpListenOptions { Socket = TcpPair.Options });
        Task serving = ServeAsync(listener);
        Task<int>[] calls = [.. Enumerable.Range(0, Handshakes).Select(i => CallAsync(clients[i % members], server.Address, (byte)i))];
        clock.RunUntil(() => Array.TrueForAll(calls, call => call.IsCompleted), TimeSpan.FromSeconds(30));

        Assert.All(calls, call => Assert.True(call.IsCompletedSuccessfully, call.Exception?.InnerException?.Message ?? "Still waits."));
        Assert.Equal(Enumerable.Range(0, Handshakes).Select(i => (int)(byte)i), calls.Select(call => call.Result));
        Assert.Equal(0, server.Layer.Statistics[TcpCounter.ResetsSent]);
        listener.Dispose();
        Assert.True(serving.IsCompletedSuccessfully);
        Array.ForEach(clients, client => client.Dispose());
    }

    [Theory]
    [InlineData(true, 1300, 7, true, 1300)]
    [InlineData(true, 9000, 0, false, 1334)]
    [InlineData(true, 1219, -1, true, 536)]
    [InlineData(false, 0, 7, true, 536)]
    public async Task Options_of_a_SYN_that_was_answered_without_state_are_in_force(
        bool timestamps, ushort size, int scale, bool sack, int expectedSize)
    {
        using var peer = new TcpPeer();
        using TcpListener listener = Fill(peer);
        peer.Clock.Advance(TimeSpan.FromMilliseconds(12_345));
        peer.Forget();
        OutgoingSegment syn = peer.Segment(TcpFlags.Syn, 1000, port: 100);
        syn.MaximumSegmentSize = size;
        syn.WindowScale = scale;
        syn.SackPermitted = sack;
        syn.HasTimestamps = timestamps;
        syn.TimestampValue = 77;
        peer.Send(syn);
        TcpSegment answer = peer.Expect(TcpFlags.Syn | TcpFlags.Ack);
        Assert.Equal(Backlog, peer.Host.Layer.SocketCount);
        Assert.Equal(1001u, answer.Acknowledgement);
        Assert.Equal(timestamps && sack, answer.SackPermitted);
        Assert.Equal(timestamps && scale >= 0, answer.WindowScale >= 0);

        OutgoingSegment last = peer.Segment(TcpFlags.Ack, 1001, answer.Sequence + 1, window: 1000, payload: "hello", port: 100);
        last.HasTimestamps = timestamps;
        last.TimestampValue = 78;
        last.TimestampEcho = answer.TimestampValue;
        peer.Send(last);
        peer.Forget();
        TcpSocket socket = (await listener.AcceptAsync(CancellationToken.None))!;
        Assert.True(socket.Input.TryRead(out var read));
        Assert.Equal(5, read.Buffer.Length);
        socket.Output.GetSpan(20_000)[..20_000].Clear();
        socket.Output.Advance(20_000);
        Assert.True(socket.Output.FlushAsync(CancellationToken.None).IsCompleted);

        // What the peer's window lets through tells of the scale, the first segment of the size, the clock of the timestamps.
        TcpSegment data = peer.Expect(TcpFlags.Ack);
        Assert.Equal(answer.Sequence + 1, data.Sequence);
        Assert.Equal(
            Math.Min(expectedSize - (timestamps ? TcpOption.TimestampsLength : 0), timestamps && scale > 0 ? 20_000 : 1000),
            data.PayloadLength);
        Assert.True(!timestamps || (int)(data.TimestampValue - answer.TimestampValue) >= 0);
        socket.Abort();
    }

    [Fact]
    public void Acknowledgement_of_no_answer_opens_nothing_and_of_one_too_old_neither()
    {
        using var peer = new TcpPeer();
        using TcpListener listener = Fill(peer);
        peer.Send(peer.Segment(TcpFlags.Syn, 1000, port: 100));
        uint cookie = peer.Expect(TcpFlags.Syn | TcpFlags.Ack).Sequence;
        int before = peer.Host.Layer.SocketCount;
        peer.Send(peer.Segment(TcpFlags.Ack, 1001, cookie + 2, port: 100));
        peer.Send(peer.Segment(TcpFlags.Ack, 1001, cookie + 1, port: 101));
        Assert.Equal(before, peer.Host.Layer.SocketCount);

        // A later segment is not the first one: without a reset, for that one comes again.
        peer.Send(peer.Segment(TcpFlags.Ack, 1501, cookie + 1, payload: "late", port: 100));
        peer.ExpectNothing();
        Assert.Equal(before, peer.Host.Layer.SocketCount);

        peer.Link.Filter = _ => false;
        peer.Clock.Advance(new TimeSpan(SynCookies.Lifetime));
        peer.Send(peer.Segment(TcpFlags.Ack, 1001, cookie + 1, port: 100));
        Assert.Equal(0, peer.Host.Layer.ConnectionCount);
    }

    [Fact]
    public void Syn_repeated_when_there_is_room_again_is_answered_with_the_same_number()
    {
        using var peer = new TcpPeer();
        using TcpListener listener = Fill(peer);
        peer.Send(peer.Segment(TcpFlags.Syn, 1000, port: 100));
        uint cookie = peer.Expect(TcpFlags.Syn | TcpFlags.Ack).Sequence;
        peer.Send(peer.Segment(TcpFlags.Rst, peer.OurNext, port: 1));
        Assert.Equal(Backlog - 1, listener.HalfOpenCount);
        peer.Send(peer.Segment(TcpFlags.Syn, 1000, port: 100));
        Assert.Equal(Backlog, listener.HalfOpenCount);
        Assert.Equal(cookie, peer.Expect(TcpFlags.Syn | TcpFlags.Ack).Sequence);

        // The acknowledgement of the first answer completes the handshake of the second.
        peer.Send(peer.Segment(TcpFlags.Ack, 1001, cookie + 1, port: 100));
        Assert.True(listener.AcceptAsync(CancellationToken.None).IsCompletedSuccessfully);
    }

    [Fact]
    public void Acknowledgement_that_finds_the_accept_queue_full_comes_back_as_soon_as_there_is_room()
    {
        using var peer = new TcpPeer();
        using TcpListener listener = Fill(peer, out List<TcpSegment> answers);
        peer.Send(peer.Segment(TcpFlags.Syn, 1000, port: 100));
        uint cookie = peer.Expect(TcpFlags.Syn | TcpFlags.Ack).Sequence;
        foreach (TcpSegment answer in answers)
        {
            peer.Send(peer.Segment(TcpFlags.Ack, peer.OurNext, answer.Sequence + 1, port: answer.DestinationPort));
        }

        peer.Send(peer.Segment(TcpFlags.Ack, 1001, cookie + 1, port: 100));
        peer.ExpectNothing();
        Assert.Equal(Backlog, peer.Host.Layer.ConnectionCount);
        Assert.Equal(1, listener.HalfOpenCount);

        // The peer has nothing to say by itself: our answer is repeated.
        Assert.True(listener.AcceptAsync(CancellationToken.None).IsCompletedSuccessfully);
        peer.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(cookie, peer.Expect(TcpFlags.Syn | TcpFlags.Ack).Sequence);
        peer.Send(peer.Segment(TcpFlags.Ack, 1001, cookie + 1, port: 100));
        Assert.Equal(Backlog + 1, peer.Host.Layer.ConnectionCount);
    }

    private static TcpListener Fill(TcpPeer peer) => Fill(peer, out _);

    // As many half-open connections as the listener keeps, from ports 1 to the backlog.
    private static TcpListener Fill(TcpPeer peer, out List<TcpSegment> answers)
    {
        TcpListener listener = peer.Host.Layer.Listen(null, 80, new TcpListenOptions { Socket = TcpPair.Options, Backlog = Backlog });
        answers = [];
        for (int i = 0; i < Backlog; i++)
        {
            peer.Send(peer.Segment(TcpFlags.Syn, peer.OurNext - 1, port: (ushort)(1 + i)));
            answers.Add(peer.Expect(TcpFlags.Syn | TcpFlags.Ack));
        }

        Assert.Equal(Backlog, listener.HalfOpenCount);
        return listener;
    }

    private static async Task ServeAsync(TcpListener listener)
    {
        while (await listener.AcceptAsync(CancellationToken.None) is { } socket)
        {
            _ = EchoAsync(socket);
        }
    }

    private static async Task EchoAsync(TcpSocket socket)
    {
        var read = await socket.Input.ReadAsync();
        socket.Output.GetSpan(1)[0] = read.Buffer.FirstSpan[0];
        socket.Output.Advance(1);
        await socket.Output.FlushAsync();
    }

    private static async Task<int> CallAsync(TcpHost client, IpAddress server, byte question)
    {
        TcpSocket socket = await client.Layer.ConnectAsync(client.Address, server, 80, TcpPair.Options, CancellationToken.None);
        socket.Output.GetSpan(1)[0] = question;
        socket.Output.Advance(1);
        await socket.Output.FlushAsync();
        return (await socket.Input.ReadAsync()).Buffer.FirstSpan[0];
    }
}
