using System.Collections.Concurrent;
using System.Net;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Tests.Fakes;

/// <summary>A node of a <see cref="FakeNetwork"/>, with a switch for each thing that can go wrong.</summary>
internal sealed class FakeNode(FakeNetwork network, NodeId id, int number) : ZeroTierNode
{
    private readonly Lock _gate = new();
    private readonly ZeroTierEventHub _events = new();
    private readonly List<NetworkId> _joined = [];
    private readonly List<FakeListener> _listeners = [];
    private readonly List<FakeConnection> _connections = [];
    private readonly HashSet<NetworkId> _ready = [];
    private ZeroTierNodeState _state = ZeroTierNodeState.Stopped;
    private ZeroTierException? _fatalError;
    private int _nextPort = 50000;
    private ulong _lastStart;

    public int Starts => (int)_lastStart;

    public int Listens { get; private set; }

    public bool Drained { get; private set; }

    public bool Online { get; set; } = true;

    public Exception? StartFailure { get; set; }

    public Exception? ListenFailure { get; set; }

    public Exception? JoinFailure { get; set; }

    public int FailedJoins { get; private set; }

    public Exception? DisposeFailure { get; set; }

    public ZeroTierNetworkStatus NotReadyStatus { get; set; } = ZeroTierNetworkStatus.RequestingConfiguration;

    /// <summary>Where networks that are not ready want a login.</summary>
    public string? LoginUrl { get; set; }

    public override IReadOnlyList<ZeroTierPeer> Peers => KnownPeers;

    public IReadOnlyList<ZeroTierPeer> KnownPeers { get; set; } = [];

    /// <summary>What connections that are accepted from now on say about their peer.</summary>
    public ZeroTierPeer? PeerOfConnections { get; set; }

    /// <summary>The start waits for it.</summary>
    public TaskCompletionSource? StartGate { get; set; }

    public bool IsStarting { get; private set; }

    public TaskCompletionSource? DrainGate { get; set; }

    /// <summary>Listening takes until this is done, and does not mind being cancelled.</summary>
    public TaskCompletionSource? ListenGate { get; set; }

    public ConcurrentQueue<ZeroTierEndPoint> AtListenGate { get; } = new();

    /// <summary>So many of the next ports asked for are taken by somebody else.</summary>
    public int TakenPorts { get; set; }

    public override string Engine => "fake";

    public override string EngineVersion => "1.0";

    public override ZeroTierNodeState State => _state;

    public override ZeroTierException? FatalError => _fatalError;

    public override string? Warning => KnownWarning;

    public string? KnownWarning { get; set; }

    public override NodeId Id => _lastStart > 0 ? id : throw new ZeroTierException(ZeroTierError.NotRunning, "never started");

    public NodeId KnownId => id;

    public IPAddress IPv4 => IPAddress.Parse($"10.147.17.{number}");

    public IPAddress IPv6 => network.Id.GetSixPlaneAddress(id);

    public override bool IsOnline => Online && State == ZeroTierNodeState.Running;

    public int OpenConnections
    {
        get
        {
            lock (_gate)
            {
                return _connections.Count(c => !c.IsOver);
            }
        }
    }

    public IReadOnlyList<FakeConnection> Connections
    {
        get
        {
            lock (_gate)
            {
                return [.. _connections];
            }
        }
    }

    public IReadOnlyList<FakeListener> Listeners
    {
        get
        {
            lock (_gate)
            {
                return [.. _listeners];
            }
        }
    }

    public override IReadOnlyList<ZeroTierNetwork> Networks
    {
        get
        {
            lock (_gate)
            {
                return [.. _joined.Select(Snapshot)];
            }
        }
    }

    public override async Task StartAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (StartGate is { } gate)
        {
            IsStarting = true;
            await gate.Task.WaitAsync(cancellationToken);
        }

        if (StartFailure is { } failure)
        {
            throw failure;
        }

        lock (_gate)
        {
            if (State == ZeroTierNodeState.Running)
            {
                return;
            }

            _state = ZeroTierNodeState.Running;
            _lastStart++;
            if (network.ReadyOnJoin)
            {
                _ready.UnionWith(_joined.Where(n => n == network.Id));
            }
        }

        Publish(ZeroTierEventCode.NodeUp);
        if (Online)
        {
            Publish(ZeroTierEventCode.NodeOnline);
        }

        Publish(ZeroTierEventCode.NetworkOk);
    }

    public override async ValueTask DrainAsync(CancellationToken cancellationToken = default)
    {
        if (DrainGate is { } gate)
        {
            await gate.Task.WaitAsync(cancellationToken);
        }

        // What was closed has still to reach the other end: the node's own end would reset it.
        await Task.WhenAll(Connections.Where(c => c.IsDisposed).Select(c => c.Sending)).WaitAsync(cancellationToken);
        Drained = true;
    }

    public override Task StopAsync(CancellationToken cancellationToken = default)
    {
        End(ZeroTierNodeState.Stopped, ZeroTierEventCode.NodeDown);
        return Task.CompletedTask;
    }

    public override async Task RestartAsync(CancellationToken cancellationToken = default)
    {
        await StopAsync(cancellationToken);
        await StartAsync(cancellationToken);
    }

    public override Task JoinAsync(NetworkId joined, CancellationToken cancellationToken = default)
    {
        if (JoinFailure is { } failure)
        {
            FailedJoins++;
            return Task.FromException(failure);
        }

        lock (_gate)
        {
            if (!_joined.Contains(joined))
            {
                _joined.Add(joined);
            }

            if (joined == network.Id && network.ReadyOnJoin && State == ZeroTierNodeState.Running)
            {
                _ready.Add(joined);
            }
        }

        Publish(ZeroTierEventCode.NetworkOk);
        return Task.CompletedTask;
    }

    public override Task LeaveAsync(NetworkId left, CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            _joined.Remove(left);
        }

        SetReady(false, left);
        return Task.CompletedTask;
    }

    /// <summary>The network comes up or goes down, as when the controller says so.</summary>
    public void SetReady(bool ready, NetworkId? which = null)
    {
        var target = which ?? network.Id;
        FakeListener[] closing = [];
        lock (_gate)
        {
            if (ready)
            {
                _ready.Add(target);
            }
            else
            {
                _ready.Remove(target);
                closing = [.. _listeners.Where(l => l.EndPoint.Network == target)];
            }
        }

        foreach (var listener in closing)
        {
            listener.Close();
        }

        Publish(ready ? ZeroTierEventCode.NetworkOk : ZeroTierEventCode.NetworkDown);
    }

    public void SetOnline(bool online)
    {
        Online = online;
        Publish(online ? ZeroTierEventCode.NodeOnline : ZeroTierEventCode.NodeOffline);
    }

    public void Fail(ZeroTierException error)
    {
        _fatalError = error;
        End(ZeroTierNodeState.Failed, ZeroTierEventCode.NodeFatalError);
    }

    public override Task WaitForOnlineAsync(CancellationToken cancellationToken = default) => WaitAsync(() => IsOnline, cancellationToken);

    public override async Task<ZeroTierNetwork> WaitForNetworkAsync(NetworkId wanted, CancellationToken cancellationToken = default)
    {
        await WaitAsync(() => Networks.Any(n => n.Id == wanted && n.IsReady), cancellationToken);
        return Networks.Single(n => n.Id == wanted);
    }

    public override IZeroTierEventSubscription Subscribe(int capacity) => _events.Subscribe(capacity);

    protected override async ValueTask<IZeroTierListener> ListenCoreAsync(
        ZeroTierEndPoint endPoint, ZeroTierConnectionOptions options, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (ListenGate is { } gate)
        {
            AtListenGate.Enqueue(endPoint);
            await gate.Task;
        }

        if (ListenFailure is { } failure)
        {
            throw failure;
        }

        lock (_gate)
        {
            Listens++;
            if (State != ZeroTierNodeState.Running || !_ready.Contains(endPoint.Network))
            {
                throw new ZeroTierException(ZeroTierError.NetworkUnavailable, "not usable now");
            }

            int port = endPoint.Port == 0 ? _nextPort++ : endPoint.Port;
            if (TakenPorts-- > 0
                || _listeners.Any(
                    l => l.EndPoint.Port == port
                        && (l.EndPoint.Address is null || endPoint.Address is null || l.EndPoint.Address.Equals(endPoint.Address))))
            {
                throw new ZeroTierException(ZeroTierError.AddressInUse, $"Port {port} is taken.");
            }

            var listener = new FakeListener(this, new ZeroTierEndPoint(endPoint.Network, endPoint.Address, port), options);
            _listeners.Add(listener);
            return listener;
        }
    }

    protected override ValueTask<ZeroTierConnection> ConnectCoreAsync(
        ZeroTierEndPoint endPoint, ZeroTierConnectionOptions options, CancellationToken cancellationToken)
    {
        if (network.Find(endPoint.Address!, endPoint.Port) is not { } listener)
        {
            return ValueTask.FromException<ZeroTierConnection>(
                new ZeroTierException(ZeroTierError.ConnectionRefused, $"{endPoint} refused the connection."));
        }

        var local = new IPEndPoint(
            endPoint.Address!.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork ? IPv4 : IPv6,
            Interlocked.Increment(ref _nextPort));
        var remote = new IPEndPoint(endPoint.Address!, endPoint.Port);
        var mine = new FakeConnection(network.Id, local, remote, listener.Node.KnownId, options);
        var theirs = new FakeConnection(network.Id, remote, local, id, listener.Options) { Peer = listener.Node.PeerOfConnections };
        mine.Connect(theirs);
        lock (_gate)
        {
            _connections.Add(mine);
        }

        listener.Node.Track(theirs);
        if (!listener.Offer(theirs))
        {
            return ValueTask.FromException<ZeroTierConnection>(
                new ZeroTierException(ZeroTierError.ConnectionRefused, $"{endPoint} refused the connection."));
        }

        return new(mine);
    }

    protected override ValueTask<IZeroTierDatagramSocket> BindDatagramCoreAsync(
        ZeroTierEndPoint endPoint, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public ZeroTierStatistics Statistics { get; set; } = new()
    {
        BytesReceived = 11,
        BytesSent = 22,
        DatagramsReceived = 33,
        DatagramsSent = 44,
        TcpSegmentsReceived = 55,
        TcpSegmentsSent = 66,
        TcpRetransmissions = 77,
        Dropped = new Dictionary<string, long> { ["vl1.mac"] = 3 },
    };

    public override ZeroTierStatistics GetStatistics() => Statistics with { TcpConnections = OpenConnections };

    public override ValueTask DisposeAsync()
    {
        End(ZeroTierNodeState.Disposed, ZeroTierEventCode.NodeDown);
        _events.Dispose();
        return DisposeFailure is { } failure ? throw failure : ValueTask.CompletedTask;
    }

    public FakeListener? FindListener(IPAddress address, int port)
    {
        lock (_gate)
        {
            bool mine = address.Equals(IPv4) || address.Equals(IPv6);
            return mine
                ? _listeners.FirstOrDefault(
                    l => l.EndPoint.Port == port && (l.EndPoint.Address is null || l.EndPoint.Address.Equals(address)))
                : null;
        }
    }

    public void Remove(FakeListener listener)
    {
        lock (_gate)
        {
            _listeners.Remove(listener);
        }
    }

    private void Track(FakeConnection connection)
    {
        lock (_gate)
        {
            _connections.Add(connection);
        }
    }

    private void End(ZeroTierNodeState state, ZeroTierEventCode code)
    {
        FakeListener[] listeners;
        FakeConnection[] connections;
        lock (_gate)
        {
            _state = state;
            _ready.Clear();
            listeners = [.. _listeners];
            connections = [.. _connections];
        }

        foreach (var listener in listeners)
        {
            listener.Close();
        }

        foreach (var connection in connections)
        {
            connection.Abort(new ZeroTierException(ZeroTierError.NotRunning, "The node stopped."));
        }

        Publish(code);
    }

    private ZeroTierNetwork Snapshot(NetworkId joined) => _ready.Contains(joined) && State == ZeroTierNodeState.Running
        ? new ZeroTierNetwork(joined, ZeroTierNetworkStatus.Ok) { Addresses = network.AddressesOf(id, number), Mtu = 2800 }
        : new ZeroTierNetwork(joined, NotReadyStatus) { LoginUrl = LoginUrl, Detail = LoginUrl is null ? null : $"Open {LoginUrl}." };

    private void Publish(ZeroTierEventCode code) =>
        _events.Publish(new ZeroTierEvent(code, TimeProvider.System.GetUtcNow()) { Network = network.Id });

    private async Task WaitAsync(Func<bool> condition, CancellationToken cancellationToken)
    {
        using var subscription = Subscribe();
        if (condition())
        {
            return;
        }

        await foreach (var _ in subscription.ReadAllAsync(cancellationToken))
        {
            if (condition())
            {
                return;
            }
        }

        throw new ZeroTierException(ZeroTierError.NotRunning, "The node ended.");
    }
}
