using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace ZeroTier.Managed.Datagrams.TcpRelay;

/// <summary>
/// The transport of a root that also accepts TCP connections of nodes whose network blocks UDP (docs/protocol/2-vl1.md 2.22). To the root,
/// a connection is a node at the connection's remote address and port. Datagrams are delivered only to the root itself, so that nobody can
/// send to a third party through it.
/// </summary>
internal sealed class RelayServerTransport : ExtraSocketTransport
{
    /// <summary>Most connections at the same time.</summary>
    public const int MaxConnections = 1024;

    /// <summary>Most connections from one IPv4 address or one IPv6 /64, which all nodes of a site may share.</summary>
    public const int MaxConnectionsPerAddress = 64;

    private static readonly TimeSpan s_idle = TimeSpan.FromSeconds(300);
    private static readonly TimeSpan s_helloPatience = TimeSpan.FromSeconds(10);
    private readonly Socket _listener;
    private readonly InetEndPoint[] _ownEndPoints;
    private readonly TimeProvider _time;
    private readonly ConcurrentDictionary<InetEndPoint, Client> _clients = new();
    private readonly CancellationTokenSource _ended = new();
    private Task _accepting = Task.CompletedTask;
    private bool _fullSaid;

    private RelayServerTransport(
        IDatagramTransport inner, Socket listener, IEnumerable<InetEndPoint> ownEndPoints, TimeProvider time, ILogger log)
        : base(inner, log)
    {
        _listener = listener;
        _ownEndPoints = [.. ownEndPoints];
        _time = time;
        IsOpen = true;
    }

    /// <summary>The endpoint on which it listens.</summary>
    public IPEndPoint ListenEndPoint => (IPEndPoint)_listener.LocalEndPoint!;

    /// <summary>Number of open connections.</summary>
    public int Connections => _clients.Count;

    /// <summary>Starts to listen on a TCP endpoint.</summary>
    /// <param name="inner">The UDP transport. Disposed of with the returned transport, but not if this method throws.</param>
    /// <param name="endPoint">The endpoint on which to listen.</param>
    /// <param name="ownEndPoints">The root's endpoints in its planet; clients may send to no others.</param>
    /// <param name="time">Clock and timers.</param>
    /// <param name="log">The logger, which must not throw.</param>
    /// <exception cref="ZeroTierException">The port is taken or may not be used.</exception>
    public static RelayServerTransport Listen(
        IDatagramTransport inner, IPEndPoint endPoint, IEnumerable<InetEndPoint> ownEndPoints, TimeProvider time, ILogger log)
    {
        var listener = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (endPoint.Address.Equals(IPAddress.IPv6Any))
            {
                listener.DualMode = true;
            }

            listener.Bind(endPoint);
            listener.Listen(MaxConnectionsPerAddress);
            return new RelayServerTransport(inner, listener, ownEndPoints, time, log);
        }
        catch (SocketException e)
        {
            listener.Dispose();
            throw new ZeroTierException(
                ZeroTierError.Underlay,
                $"The TCP relay cannot listen on {endPoint}: {e.Message}. Another program may have the port, or ports below 1024 may need "
                + "a right: choose another, such as 0.0.0.0:8443.",
                e);
        }
    }

    protected override void StartExtra()
    {
        UdpLog.Relaying(Log, ListenEndPoint);
        _accepting = AcceptAsync();
    }

    protected override void SendExtra(in InetEndPoint destination, ReadOnlySpan<byte> datagram)
    {
        if (_clients.TryGetValue(destination, out var client))
        {
            client.Connection.TrySend(client.Addressed, datagram);
        }
    }

    protected override async ValueTask DisposeExtraAsync()
    {
        await _ended.CancelAsync().ConfigureAwait(false);
        _listener.Dispose();
        await _accepting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await Task.WhenAll(_clients.Values.Select(client => client.Carrying)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _ended.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_ended.IsCancellationRequested)
        {
            Socket socket;
            try
            {
                socket = await _listener.AcceptAsync(_ended.Token).ConfigureAwait(false);
            }
            catch (SocketException e) when (!_ended.IsCancellationRequested)
            {
                // For example out of file descriptors.
                UdpLog.RelayAcceptFailed(Log, ListenEndPoint, e.SocketErrorCode);
                await Task.Delay(TimeSpan.FromSeconds(1), _time, _ended.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                continue;
            }

            try
            {
                Admit(socket);
            }
            catch (Exception e) when (e is SocketException or IOException)
            {
                // The connection was closed already.
                socket.Dispose();
            }
        }
    }

    private void Admit(Socket socket)
    {
        var source = InetEndPoint.From((IPEndPoint)socket.RemoteEndPoint!);
        if (_clients.Count >= MaxConnections || _clients.Keys.Count(other => IsNeighbour(other, source)) >= MaxConnectionsPerAddress)
        {
            if (!_fullSaid)
            {
                _fullSaid = true;
                UdpLog.RelayFull(Log, MaxConnections, MaxConnectionsPerAddress);
            }

            socket.Dispose();
            return;
        }

        socket.NoDelay = true;
        var client = new Client(new RelayConnection(new NetworkStream(socket, ownsSocket: true)));
        if (_clients.TryAdd(source, client))
        {
            client.Carrying = CarryAsync(source, client);
        }
        else
        {
            client.Connection.Dispose();
        }
    }

    private async Task CarryAsync(InetEndPoint source, Client client)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        using var idle = new CancellationTokenSource(s_helloPatience, _time);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(_ended.Token, idle.Token);
        try
        {
            await client.Connection.RunAsync(
                body =>
                {
                    // Datagrams that are not for the root do not keep the connection alive.
                    if (OnBody(source, client, body))
                    {
                        idle.CancelAfter(s_idle);
                    }
                },
                EndBatch,
                ended.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or InvalidDataException or OperationCanceledException)
        {
            // Ends only this connection; the node opens another one if it needs to.
        }
        finally
        {
            _clients.TryRemove(source, out _);
            client.Connection.Dispose();
        }
    }

    // IPv6 addresses are compared by their /64 prefix, since a host can use any address in it.
    private static bool IsNeighbour(in InetEndPoint one, in InetEndPoint other)
    {
        Span<byte> a = stackalloc byte[16], b = stackalloc byte[16];
        int length = one.WriteAddress(a);
        return length == other.WriteAddress(b) && a[..Math.Min(length, 8)].SequenceEqual(b[..Math.Min(length, 8)]);
    }

    private bool OnBody(in InetEndPoint source, Client client, Span<byte> body)
    {
        if (!client.HasGreeted)
        {
            client.HasGreeted = body.Length == RelayFrame.HelloBody
                ? true
                : throw new InvalidDataException("The first record is no greeting.");
            return true;
        }

        if (!RelayFrame.TryRead(body, out var destination, out var datagram) || Array.IndexOf(_ownEndPoints, destination) < 0)
        {
            return false;
        }

        // Answers are sent with this as their source, since the node expects them from where it has sent to.
        client.Addressed = destination;
        Deliver(source, datagram);
        return true;
    }

    private sealed class Client(RelayConnection connection)
    {
        private InetEndPoint _addressed;

        public RelayConnection Connection => connection;

        public Task Carrying { get; set; } = Task.CompletedTask;

        public bool HasGreeted { get; set; }

        /// <summary>The endpoint of the root to which the node sends.</summary>
        public InetEndPoint Addressed
        {
            get
            {
                lock (connection)
                {
                    return _addressed;
                }
            }

            set
            {
                lock (connection)
                {
                    _addressed = value;
                }
            }
        }
    }
}
