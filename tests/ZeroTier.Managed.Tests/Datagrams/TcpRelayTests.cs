using System.Buffers;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using ZeroTier.Managed.Datagrams.TcpRelay;

namespace ZeroTier.Managed.Tests.Datagrams;

public sealed class TcpRelayTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);
    private static readonly InetEndPoint Root = InetEndPoint.From(IPEndPoint.Parse("203.0.113.5:9993"));
    private static readonly byte[] Datagram = [.. Enumerable.Range(0, 100).Select(i => (byte)i)];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>docs/protocol/2-vl1.md 2.22.</summary>
    [Fact]
    public void Records_are_those_of_the_reference()
    {
        Assert.Equal("1703030004010c0000", Convert.ToHexStringLower(RelayFrame.Hello));
        Span<byte> head = stackalloc byte[RelayFrame.MaxOverhead];
        int length = RelayFrame.WriteHead(head, Root, 100);
        Assert.Equal("170303006b04cb0071052709", Convert.ToHexStringLower(head[..length]));
    }

    [Fact]
    public void Records_arrive_in_any_pieces()
    {
        byte[] record = Record(Root, Datagram);
        for (int split = 0; split < record.Length; split++)
        {
            var part = new ReadOnlySequence<byte>(record, 0, split);
            Assert.False(RelayFrame.TryTake(ref part, out _));
        }

        var whole = new ReadOnlySequence<byte>([.. record, 0x17]);
        Assert.True(RelayFrame.TryTake(ref whole, out var body));
        Assert.Equal(1, whole.Length);
        Assert.True(RelayFrame.TryRead(body.ToArray(), out var address, out var datagram));
        Assert.Equal(Root, address);
        Assert.Equal(Datagram, datagram.ToArray());
    }

    [Theory]
    [InlineData("")]
    [InlineData("00")]
    [InlineData("04cb007105")]
    [InlineData("04cb00710527")]
    [InlineData("06cb0071052709")]
    [InlineData("ffcb0071052709")]
    public void Bodies_without_a_whole_address_are_passed_over(string body) =>
        Assert.False(RelayFrame.TryRead(Convert.FromHexString(body), out _, out _));

    [Fact]
    public async Task Datagrams_go_both_ways_while_it_is_engaged()
    {
        await using var relay = Relay(out var atRelay);
        await using var node = Node(relay, out var atNode);
        Assert.True(node.LocalEndPoints[0].IsNone);
        node.Send(0, Root, Datagram, Datagram.Length);

        node.Engage();
        await UntilAsync(() => !node.LocalEndPoints[0].IsNone);
        node.Send(0, Root, Datagram, 50);
        await UntilAsync(() => atRelay.Datagrams.Count == 2);
        Assert.Equal(Datagram, atRelay.Datagrams.SelectMany(arrived => arrived.Data));
        var (socket, source, _) = atRelay.Datagrams.First();
        Assert.Equal(ExtraSocketTransport.Number, socket);

        relay.Send(0, source, Datagram, Datagram.Length);
        await UntilAsync(() => !atNode.Datagrams.IsEmpty);
        Assert.Equal((0, Root), (atNode.Datagrams.First().Socket, atNode.Datagrams.First().Source));
        Assert.Equal(Datagram, atNode.Datagrams.First().Data);

        node.Release();
        await UntilAsync(() => node.LocalEndPoints[0].IsNone && relay.Connections == 0);
    }

    [Fact]
    public async Task A_connection_that_ends_is_opened_again()
    {
        var relay = Relay(out _);
        var listen = relay.ListenEndPoint;
        await using var node = Node(relay, out _);
        node.Engage();
        await UntilAsync(() => !node.LocalEndPoints[0].IsNone);
        await relay.DisposeAsync();
        await UntilAsync(() => node.LocalEndPoints[0].IsNone);
        await using var again = RelayServerTransport.Listen(new NoUdp(), listen, [Root], new AcceleratedTime(20), NullLogger.Instance);
        again.Start(new Collected());
        await UntilAsync(() => !node.LocalEndPoints[0].IsNone);
    }

    /// <summary>Else it would be a way to send to anybody from its address.</summary>
    [Fact]
    public async Task Nothing_is_taken_but_what_is_for_the_root()
    {
        await using var relay = Relay(out var arrived);
        using var client = await GreetAsync(relay);
        await client.SendAsync(Record(InetEndPoint.From(IPEndPoint.Parse("198.51.100.9:53")), Datagram), Cancel);
        await client.SendAsync(Record(Root.WithPort(53), Datagram), Cancel);
        await client.SendAsync(Record(Root, [1, 2, 3]), Cancel);
        await UntilAsync(() => !arrived.Datagrams.IsEmpty);
        Assert.Equal([1, 2, 3], Assert.Single(arrived.Datagrams).Data);
    }

    [Theory]
    [InlineData("474554202f20485454502f312e310d0a")]
    [InlineData("1703030000")]
    [InlineData("170303000704cb0071052709")]
    public async Task Whoever_begins_with_something_else_is_cut_off(string bytes)
    {
        await using var relay = Relay(out var arrived);
        using var client = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(relay.ListenEndPoint, Cancel);
        await client.SendAsync(Convert.FromHexString(bytes), Cancel);
        try
        {
            Assert.Equal(0, await client.ReceiveAsync(new byte[1], Cancel).AsTask().WaitAsync(Limit, Cancel));
        }
        catch (SocketException exception)
        {
            Assert.Equal(SocketError.ConnectionReset, exception.SocketErrorCode);
        }

        Assert.Empty(arrived.Datagrams);
        await UntilAsync(() => relay.Connections == 0);
    }

    [Fact]
    public async Task Whoever_says_nothing_is_cut_off()
    {
        await using var relay = Relay(out _);
        using var client = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(relay.ListenEndPoint, Cancel);
        Assert.Equal(0, await client.ReceiveAsync(new byte[1], Cancel).AsTask().WaitAsync(Limit, Cancel));
    }

    [Fact]
    public async Task One_address_gets_no_more_than_its_share_of_connections()
    {
        await using var relay = RelayServerTransport.Listen(
            new NoUdp(), new IPEndPoint(IPAddress.Loopback, 0), [Root], TimeProvider.System, NullLogger.Instance);
        relay.Start(new Collected());
        var clients = new List<Socket>();
        try
        {
            for (int i = 0; i < RelayServerTransport.MaxConnectionsPerAddress; i++)
            {
                clients.Add(await GreetAsync(relay));
            }

            await UntilAsync(() => relay.Connections == RelayServerTransport.MaxConnectionsPerAddress);
            clients.Add(new Socket(SocketType.Stream, ProtocolType.Tcp));
            await clients[^1].ConnectAsync(relay.ListenEndPoint, Cancel);
            Assert.Equal(0, await clients[^1].ReceiveAsync(new byte[1], Cancel).AsTask().WaitAsync(Limit, Cancel));
        }
        finally
        {
            clients.ForEach(client => client.Dispose());
        }
    }

    /// <summary>More than may wait at once: what was sent makes room.</summary>
    [Fact]
    public async Task A_connection_carries_on_beyond_what_may_wait()
    {
        await using var relay = Relay(out var atRelay);

        // The relay does not answer, which a node of accelerated time would take for silence.
        await using var node = Node(relay, out _, TimeProvider.System);
        node.Engage();
        await UntilAsync(() => !node.LocalEndPoints[0].IsNone);
        byte[] datagram = new byte[1400];
        for (int sent = 1; sent <= 300; sent++)
        {
            node.Send(0, Root, datagram, datagram.Length);
            await UntilAsync(() => atRelay.Datagrams.Count == sent);
        }
    }

    [Fact]
    public async Task Only_what_the_relay_reaches_and_takes_goes_to_it()
    {
        await using var relay = Relay(out var atRelay);
        await using var node = new RelayClientTransport(
            new NoUdp(),
            relay.ListenEndPoint,
            to => to == Root,
            RelayClientTransport.ConnectAsync,
            new AcceleratedTime(20),
            NullLogger.Instance);
        node.Start(new Collected());
        node.Engage();
        await UntilAsync(() => !node.LocalEndPoints[0].IsNone);
        node.Send(0, Root.WithPort(9), Datagram, Datagram.Length);
        node.Send(0, Root, Datagram.AsSpan(0, 15), 15);
        node.Send(0, InetEndPoint.From(IPEndPoint.Parse("[2001:db8::1]:9993")), Datagram, Datagram.Length);
        node.Send(0, Root, Datagram, Datagram.Length);
        await UntilAsync(() => !atRelay.Datagrams.IsEmpty);
        Assert.Equal(Datagram, Assert.Single(atRelay.Datagrams).Data);
    }

    /// <summary>Fifteen seconds of the relay's time, each with a datagram, are beyond the patience for a greeting.</summary>
    [Fact]
    public async Task Whoever_has_greeted_stays_and_whoever_is_silent_goes()
    {
        await using var relay = Relay(out var arrived);
        using var client = await GreetAsync(relay);
        for (int i = 1; i <= 15; i++)
        {
            await Task.Delay(TimeSpan.FromSeconds(1.0 / 20), Cancel);
            await client.SendAsync(Record(Root, Datagram), Cancel);
            await UntilAsync(() => arrived.Datagrams.Count == i);
        }

        Assert.Equal(1, relay.Connections);
        Assert.Equal(0, await client.ReceiveAsync(new byte[1], Cancel).AsTask().WaitAsync(Limit, Cancel));
    }

    /// <summary>A relay that has gone without a word: nothing of it comes any more.</summary>
    [Fact]
    public async Task A_connection_on_which_nothing_comes_is_given_up()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        await using var node = new RelayClientTransport(
            new NoUdp(),
            (IPEndPoint)listener.LocalEndPoint!,
            _ => true,
            RelayClientTransport.ConnectAsync,
            new AcceleratedTime(20),
            NullLogger.Instance);
        node.Start(new Collected());
        node.Engage();
        using var first = await listener.AcceptAsync(Cancel).AsTask().WaitAsync(Limit, Cancel);
        await UntilAsync(() => !node.LocalEndPoints[0].IsNone);
        using var second = await listener.AcceptAsync(Cancel).AsTask().WaitAsync(Limit, Cancel);
    }

    [Fact]
    public async Task A_receiver_that_throws_ends_nothing()
    {
        await using var relay = RelayServerTransport.Listen(
            new NoUdp(), new IPEndPoint(IPAddress.Loopback, 0), [Root], new AcceleratedTime(20), NullLogger.Instance);
        var arrived = new Collected { Throws = true };
        relay.Start(arrived);
        using var client = await GreetAsync(relay);
        for (int i = 1; i <= 3; i++)
        {
            await client.SendAsync(Record(Root, Datagram), Cancel);
            await UntilAsync(() => arrived.Datagrams.Count == i);
        }
    }

    [Fact]
    public async Task Who_does_not_read_loses_datagrams_and_holds_no_more_than_the_bound()
    {
        using var never = new NeverWritten();
        using var connection = new RelayConnection(never);
        var running = connection.RunAsync(_ => { }, () => { }, Cancel);
        int taken = 0;
        while (connection.TrySend(Root, new byte[1400]))
        {
            taken++;
        }

        Assert.InRange(taken * 1400, RelayConnection.MaxWaiting / 2, RelayConnection.MaxWaiting);
        never.Dispose();
        await Assert.ThrowsAnyAsync<Exception>(() => running.WaitAsync(Limit, Cancel));
    }

    private static RelayServerTransport Relay(out Collected arrived)
    {
        // Its patience of ten seconds is half a second.
        var relay = RelayServerTransport.Listen(
            new NoUdp(), new IPEndPoint(IPAddress.Loopback, 0), [Root], new AcceleratedTime(20), NullLogger.Instance);
        arrived = new Collected();
        relay.Start(arrived);
        return relay;
    }

    private static RelayClientTransport Node(RelayServerTransport relay, out Collected arrived, TimeProvider? time = null)
    {
        var node = new RelayClientTransport(
            new NoUdp(),
            relay.ListenEndPoint,
            _ => true,
            RelayClientTransport.ConnectAsync,
            time ?? new AcceleratedTime(20),
            NullLogger.Instance);
        arrived = new Collected();
        node.Start(arrived);
        return node;
    }

    private static async Task<Socket> GreetAsync(RelayServerTransport relay)
    {
        var client = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(relay.ListenEndPoint, Cancel);
        await client.SendAsync(RelayFrame.Hello.ToArray(), Cancel);
        return client;
    }

    private static byte[] Record(in InetEndPoint address, byte[] datagram)
    {
        byte[] head = new byte[RelayFrame.MaxOverhead];
        return [.. head.AsSpan(0, RelayFrame.WriteHead(head, address, datagram.Length)), .. datagram];
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(Limit);
        while (!condition())
        {
            await Task.Delay(10, limit.Token);
        }
    }

    private sealed class Collected : IDatagramReceiver
    {
        public ConcurrentQueue<(int Socket, InetEndPoint Source, byte[] Data)> Datagrams { get; } = [];

        public bool Throws { get; init; }

        public void OnDatagram(int socket, in InetEndPoint source, Span<byte> datagram)
        {
            Datagrams.Enqueue((socket, source, datagram.ToArray()));
            Fail();
        }

        public void OnBatchEnd(int socket) => Fail();

        private void Fail()
        {
            if (Throws)
            {
                throw new InvalidOperationException("The node's own fault.");
            }
        }
    }

    private sealed class NoUdp : IDatagramTransport
    {
        public IReadOnlyList<InetEndPoint> LocalEndPoints { get; } = [InetEndPoint.From(IPEndPoint.Parse("192.0.2.1:9993"))];

        public void Start(IDatagramReceiver receiver)
        {
        }

        public void Send(int socket, in InetEndPoint destination, ReadOnlySpan<byte> datagrams, int segmentSize)
        {
        }

        public void SendWithHopLimit(int socket, in InetEndPoint destination, ReadOnlySpan<byte> datagram, int hops)
        {
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }

    /// <summary>A connection whose other end takes nothing and says nothing.</summary>
    private sealed class NeverWritten : MemoryStream
    {
        private readonly TaskCompletionSource _disposed = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await _disposed.Task.WaitAsync(cancellationToken);
            throw new IOException("closed");
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await _disposed.Task.WaitAsync(cancellationToken);
            throw new IOException("closed");
        }

        protected override void Dispose(bool disposing) => _disposed.TrySetResult();
    }
}
