using ZeroTier.Managed.Vl2.Controller;

namespace ZeroTier.Controller.Names;

/// <summary>
/// Serves DNS on port 53 of one of the node's addresses, by UDP and TCP (RFC 7766). Ends by itself when the address, the network or the
/// node goes away.
/// </summary>
internal sealed class NameServer : IAsyncDisposable
{
    public const int Port = 53;

    /// <summary>The maximum number of concurrent TCP connections per address.</summary>
    public const int MaxConnections = 64;

    /// <summary>The maximum number of concurrent TCP connections per client node (RFC 7766, 6.2.2 asks clients to minimise them).</summary>
    public const int MaxConnectionsOfNode = 4;

    /// <summary>
    /// The time in which the next complete message must arrive and its answer must be sent (RFC 7766, 6.2.3 recommends seconds).
    /// </summary>
    public static readonly TimeSpan IdleTimeout = TimeSpan.FromSeconds(10);

    private readonly NetworkController _controller;
    private readonly TimeProvider _time;
    private readonly RequestLimits _limits;
    private readonly NameCounters _counters;
    private readonly ZeroTierEndPoint _endPoint;
    private readonly IZeroTierDatagramSocket _socket;
    private readonly IZeroTierListener _listener;
    private readonly CancellationTokenSource _end = new();
    private readonly Lock _lock = new();
    private readonly Dictionary<NodeId, int> _connections = [];
    private readonly Task _datagrams;
    private readonly Task _streams;
    private int _connectionCount;

    private NameServer(
        NetworkController controller,
        TimeProvider time,
        RequestLimits limits,
        NameCounters counters,
        IZeroTierDatagramSocket socket,
        IZeroTierListener listener)
    {
        (_controller, _time, _limits, _counters, _socket, _listener) = (controller, time, limits, counters, socket, listener);
        _endPoint = socket.EndPoint;
        _datagrams = ServeDatagramsAsync();
        _streams = ServeConnectionsAsync();
    }

    /// <summary>Whether it is serving; false when its address has gone away.</summary>
    public bool IsRunning => !_datagrams.IsCompleted && !_streams.IsCompleted;

    /// <exception cref="ZeroTierException">The port is taken, or the network is not usable at present.</exception>
    public static async Task<NameServer> StartAsync(
        NetworkController controller,
        ZeroTierNode node,
        ZeroTierEndPoint endPoint,
        NameServiceOptions options,
        RequestLimits limits,
        NameCounters counters,
        CancellationToken cancellationToken)
    {
        var connection = new ZeroTierConnectionOptions { ApplicationScheduler = options.Scheduler, TransportScheduler = options.Scheduler };
        IZeroTierDatagramSocket socket = await node.BindDatagramAsync(endPoint, cancellationToken).ConfigureAwait(false);
        try
        {
            IZeroTierListener listener = await node.ListenAsync(endPoint, connection, cancellationToken).ConfigureAwait(false);
            return new NameServer(controller, options.TimeProvider, limits, counters, socket, listener);
        }
        catch
        {
            await socket.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        // Synchronous cancellation is acceptable: only this library's own code is registered, and it returns at once.
        _end.Cancel();
        await _socket.DisposeAsync().ConfigureAwait(false);
        await _listener.DisposeAsync().ConfigureAwait(false);
        await _datagrams.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _streams.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task ServeDatagramsAsync()
    {
        byte[] query = new byte[DnsQuery.MaxDatagram], answer = new byte[NameResponder.MaxAnswer];
        while (await ReceiveAsync(query).ConfigureAwait(false) is { } received)
        {
            int length = Answer(query.AsSpan(0, received.Length), received.RemoteNode, isDatagram: true, answer);
            if (length == 0)
            {
                continue;
            }

            try
            {
                await _socket.SendToAsync(answer.AsMemory(0, length), received.RemoteEndPoint, _end.Token).ConfigureAwait(false);
                Interlocked.Increment(ref _counters.DatagramAnswers);
            }
            catch (Exception e) when (e is ZeroTierException or OperationCanceledException)
            {
                // The client is unreachable, or the server is stopping, which ReceiveAsync detects.
            }
        }
    }

    // Null when the socket is closed, by us or because its address has gone away.
    private async ValueTask<ZeroTierReceivedDatagram?> ReceiveAsync(Memory<byte> buffer)
    {
        try
        {
            return await _socket.ReceiveFromAsync(buffer, _end.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is ZeroTierException or OperationCanceledException)
        {
            return null;
        }
    }

    private async Task ServeConnectionsAsync()
    {
        while (await AcceptAsync().ConfigureAwait(false) is { } connection)
        {
            if (connection.RemoteNode is { } node && TryEnter(node))
            {
                _ = ServeAsync(connection, node);
            }
            else
            {
                Interlocked.Increment(ref _counters.ConnectionsRefused);
                connection.Abort();
                await connection.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    private async ValueTask<ZeroTierConnection?> AcceptAsync()
    {
        try
        {
            return await _listener.AcceptAsync(_end.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    private async Task ServeAsync(ZeroTierConnection connection, NodeId node)
    {
        using var idle = new CancellationTokenSource(IdleTimeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(idle.Token, _end.Token);
        byte[] answer = new byte[NameResponder.MaxAnswer];
        try
        {
            while (await DnsStream.ReadAsync(connection.Input, either.Token).ConfigureAwait(false) is { } query)
            {
                int length = Answer(query, node, isDatagram: false, answer);
                if (length == 0)
                {
                    // Not a member, rate-limited, or not a query: close the connection.
                    break;
                }

                await DnsStream.WriteAsync(connection.Output, answer.AsMemory(0, length), either.Token).ConfigureAwait(false);
                Interlocked.Increment(ref _counters.StreamAnswers);
                idle.CancelAfter(IdleTimeout);
            }
        }
        catch (Exception e) when (e is ZeroTierException or OperationCanceledException)
        {
            // The connection has ended or timed out.
        }
        finally
        {
            Leave(node);
            await connection.DisposeAsync().ConfigureAwait(false);
        }
    }

    private bool TryEnter(NodeId node)
    {
        lock (_lock)
        {
            int count = _connections.GetValueOrDefault(node);
            if (_connectionCount >= MaxConnections || count >= MaxConnectionsOfNode)
            {
                return false;
            }

            _connections[node] = count + 1;
            _connectionCount++;
            return true;
        }
    }

    private void Leave(NodeId node)
    {
        lock (_lock)
        {
            _connectionCount--;
            if (--_connections[node] == 0)
            {
                _connections.Remove(node);
            }
        }
    }

    // Checks membership and rate limit, and answers; 0 for no answer.
    private int Answer(ReadOnlySpan<byte> query, NodeId? from, bool isDatagram, Span<byte> answer)
    {
        if (_controller.FindNames(_endPoint.Network) is not { } names || from is not { } node || !names.IsMember(node))
        {
            Interlocked.Increment(ref _counters.Strangers);
            return 0;
        }

        if (!_limits.TryTake(node, _time.GetTimestamp() / (_time.TimestampFrequency / 1000)))
        {
            Interlocked.Increment(ref _counters.RateLimited);
            return 0;
        }

        int length = new NameResponder(names, _time).Answer(query, isDatagram, answer);
        if (length == 0)
        {
            Interlocked.Increment(ref _counters.Ignored);
        }

        return length;
    }
}
