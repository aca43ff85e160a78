using System.Net;

namespace ZeroTier.Conformance;

/// <summary>UDP ports, and the node's counters.</summary>
public abstract class DatagramConformance<TEngine> : ConformanceTest<TEngine>
    where TEngine : IConformanceEngine, new()
{
    [Fact]
    public async Task Send_to_both_ways_carries_bytes_and_sender()
    {
        await using var server = await Bind(Server);
        await using var client = await Bind(Client);
        var to = new IPEndPoint(AddressOf(Server), server.EndPoint.Port);

        byte[] buffer = new byte[2000];
        var received = await Exchange(client, to, server, [1, 2, 3], buffer);
        Assert.Equal([1, 2, 3], buffer[..received.Length]);
        Assert.Equal(new IPEndPoint(AddressOf(Client), client.EndPoint.Port), received.RemoteEndPoint);
        Assert.True(received.RemoteNode is null || received.RemoteNode == Client.Id, $"{received.RemoteNode}");
        received = await Exchange(server, received.RemoteEndPoint, client, [4], buffer);

        Assert.Equal([4], buffer[..received.Length]);
        Assert.Equal(to, received.RemoteEndPoint);
    }

    [Fact]
    public async Task Receive_from_small_buffer_cuts_the_datagram()
    {
        await using var server = await Bind(Server);
        await using var client = await Bind(Client);
        byte[] buffer = new byte[4];

        var received = await Exchange(client, new IPEndPoint(AddressOf(Server), server.EndPoint.Port), server, [1, 2, 3, 4, 5, 6], buffer);

        Assert.Equal(4, received.Length);
        Assert.Equal([1, 2, 3, 4], buffer);
    }

    [Fact]
    public async Task Bind_taken_port_fails_until_it_is_freed()
    {
        var socket = await Bind(Server);
        var endPoint = new ZeroTierEndPoint(Network, socket.EndPoint.Port);
        await Fails(ZeroTierError.AddressInUse, () => Server.BindDatagramAsync(endPoint, Token).AsTask());

        await Bounded(socket.DisposeAsync());

        await using var again = await Bounded(Server.BindDatagramAsync(endPoint, Token));
        Assert.Equal(endPoint.Port, again.EndPoint.Port);
    }

    [Fact]
    public async Task Receive_from_closed_or_cancelled_ends()
    {
        var socket = await Bind(Server);
        using var stop = new CancellationTokenSource();
        var cancelled = socket.ReceiveFromAsync(new byte[10], stop.Token);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Bounded(cancelled));
        var receiving = socket.ReceiveFromAsync(new byte[10], Token);

        await Bounded(socket.DisposeAsync());

        await Assert.ThrowsAsync<ZeroTierException>(() => Bounded(receiving));
        await Assert.ThrowsAsync<ZeroTierException>(() => Bounded(socket.ReceiveFromAsync(new byte[10], Token)));
    }

    [Fact]
    public async Task Leave_closes_the_socket()
    {
        await using var socket = await Bind(Server);
        var receiving = socket.ReceiveFromAsync(new byte[10], Token);

        await Bounded(Server.LeaveAsync(Network, Token));

        await Assert.ThrowsAsync<ZeroTierException>(() => Bounded(receiving));
    }

    [Fact]
    public async Task Send_to_too_long_or_no_route_fails()
    {
        await using var socket = await Bind(Client);

        await Assert.ThrowsAsync<ZeroTierException>(
            () => Bounded(socket.SendToAsync(new byte[70_000], new IPEndPoint(AddressOf(Server), 9), Token)));
        await Fails(
            ZeroTierError.AddressNotAvailable,
            () => socket.SendToAsync(new byte[1], new IPEndPoint(IPAddress.Parse("2001:db8::1"), 9), Token).AsTask());
    }

    [Fact]
    public async Task Statistics_traffic_and_connections_are_counted()
    {
        var before = Client.GetStatistics();
        var (client, server) = await Connect();
        await Send(client, new byte[10_000]);
        await Receive(server, 10_000);

        // What was sent may be counted a moment after the peer has it.
        var during = Client.GetStatistics();
        while (during.BytesSent - before.BytesSent < 10_000)
        {
            await Task.Delay(5, Token);
            during = Client.GetStatistics();
        }

        if (Pair.CountsPackets)
        {
            Assert.True(during.BytesSent - before.BytesSent > 10_000, "Headers count, too.");
            Assert.True(during.DatagramsReceived > before.DatagramsReceived);
            Assert.True(during.TcpSegmentsSent > before.TcpSegmentsSent);
            Assert.True(during.TcpSegmentsReceived > before.TcpSegmentsReceived);
        }

        Assert.Equal(1, during.TcpConnections);
        client.Abort();
        Assert.NotNull(await Bounded(server.ReceiveEnded));
        await client.DisposeAsync();
        await server.DisposeAsync();

        Assert.Equal(0, Client.GetStatistics().TcpConnections);
        Assert.Equal(0, Server.GetStatistics().TcpConnections);
    }

    [Theory]
    [InlineData("224.0.0.251")]
    [InlineData("ff02::fb")]
    public async Task Group_is_joined_or_the_error_says_why_not(string text)
    {
        var group = IPAddress.Parse(text);
        await using var server = await Bind(Server);
        await using var client = await Bind(Client);
        Assert.Throws<ArgumentException>(() => server.JoinGroup(IPAddress.Parse("10.1.2.3")));
        Assert.Throws<ArgumentException>(() => server.LeaveGroup(IPAddress.IPv6Loopback));
        if (Pair.GroupsRefused is { } reason)
        {
            await Fails(reason, () => Task.Run(() => server.JoinGroup(group), Token));
            return;
        }

        server.JoinGroup(group);
        byte[] buffer = new byte[10];
        var received = await Exchange(client, new IPEndPoint(group, server.EndPoint.Port), server, [7], buffer);
        Assert.Equal([7], buffer[..received.Length]);

        // Its sender is reached by what the datagram says of it.
        received = await Exchange(server, received.RemoteEndPoint, client, [8], buffer);
        Assert.Equal([8], buffer[..received.Length]);
        server.LeaveGroup(group);
        await server.DisposeAsync();
        await Assert.ThrowsAsync<ZeroTierException>(() => Task.Run(() => server.JoinGroup(group), Token));
    }

    private Task<IZeroTierDatagramSocket> Bind(ZeroTierNode node) =>
        Bounded(node.BindDatagramAsync(new ZeroTierEndPoint(Network, 0), Token));

    /// <summary>Datagrams may be lost: repeats until one arrives.</summary>
    private async Task<ZeroTierReceivedDatagram> Exchange(
        IZeroTierDatagramSocket from, IPEndPoint to, IZeroTierDatagramSocket at, byte[] data, Memory<byte> buffer)
    {
        var receiving = at.ReceiveFromAsync(buffer, Token).AsTask();
        while (!receiving.IsCompleted)
        {
            await Bounded(from.SendToAsync(data, to, Token));
            await Task.WhenAny(receiving, Task.Delay(200, Token));
        }

        return await Bounded(receiving);
    }
}
