namespace ZeroTier;

/// <summary>The life of a node.</summary>
/// <remarks>
/// <code>
/// Stopped ── StartAsync ──► Running ── StopAsync ──► Stopped     (again and again)
///                              │
///                              └── collision, failure ──► Failed ── StopAsync ──► Stopped
/// any ── DisposeAsync ──► Disposed
/// </code>
/// </remarks>
public enum ZeroTierNodeState
{
    /// <summary>Not running.</summary>
    Stopped,

    /// <summary>Running, online or not.</summary>
    Running,

    /// <summary>A fatal error ended it; see <see cref="IZeroTierNode.FatalError"/>.</summary>
    Failed,

    /// <summary>Gone for good.</summary>
    Disposed,
}

/// <summary>A ZeroTier node: the contract of every engine. Thread-safe.</summary>
public interface IZeroTierNode : IAsyncDisposable
{
    /// <summary>The engine's name: <c>managed</c> or <c>libzt</c>.</summary>
    string Engine { get; }

    /// <summary>The engine's version.</summary>
    string EngineVersion { get; }

    /// <summary>The node's state.</summary>
    ZeroTierNodeState State { get; }

    /// <summary>Why the state is <see cref="ZeroTierNodeState.Failed"/>; else null.</summary>
    ZeroTierException? FatalError { get; }

    /// <summary>
    /// What is wrong although the node runs, with the remedy, for people to read; null when nothing is known to be. At present: another node runs with this node's
    /// identity (seen by the managed engine, where the root is one of ours).
    /// </summary>
    string? Warning => null;

    /// <summary>The node's own address. Known from the first start on.</summary>
    /// <exception cref="ZeroTierException">The node was never started (<see cref="ZeroTierError.NotRunning"/>).</exception>
    NodeId Id { get; }

    /// <summary>
    /// True while at least one root answers, or when this node is a root itself. On libzt, whose own word comes seconds late, also while peers are heard.
    /// Direct peers may be reached while it is false.
    /// </summary>
    bool IsOnline { get; }

    /// <summary>The joined networks, in the order of joining. Stopping keeps them; they are joined again at the next start.</summary>
    IReadOnlyList<ZeroTierNetwork> Networks { get; }

    /// <summary>The peers in memory, roots first.</summary>
    IReadOnlyList<ZeroTierPeer> Peers { get; }

    /// <summary>Starts the node. Returns when it runs, not when it is online. Does nothing when it already runs.</summary>
    /// <exception cref="ZeroTierException">Storage, identity or the UDP port cannot be used. Nothing is left behind and the call may be repeated.</exception>
    Task StartAsync(CancellationToken cancellationToken = default);

    /// <summary>
    /// Waits until no connection has bytes or a FIN that the peer has not acknowledged, so that a stop after it cuts nothing off.
    /// Does nothing when the node does not run. New connections are still possible: close the listeners first.
    /// </summary>
    /// <exception cref="OperationCanceledException">The token was cancelled first.</exception>
    ValueTask DrainAsync(CancellationToken cancellationToken = default);

    /// <summary>Stops the node: listeners close, connections are reset. Does nothing when it does not run.</summary>
    Task StopAsync(CancellationToken cancellationToken = default);

    /// <summary>Stops and starts again, with the same identity and networks.</summary>
    Task RestartAsync(CancellationToken cancellationToken = default);

    /// <summary>Joins a network. Returns at once; <see cref="WaitForNetworkAsync"/> waits for it. Joining twice does nothing. Allowed before the start.</summary>
    Task JoinAsync(NetworkId network, CancellationToken cancellationToken = default);

    /// <summary>Leaves a network: its listeners close, its connections are reset. Leaving an unknown network does nothing.</summary>
    Task LeaveAsync(NetworkId network, CancellationToken cancellationToken = default);

    /// <summary>Waits until a root answers.</summary>
    /// <exception cref="ZeroTierException">The node is not running, stops, or fails: the wait cannot succeed.</exception>
    Task WaitForOnlineAsync(CancellationToken cancellationToken = default);

    /// <summary>Waits until a joined network can carry traffic.</summary>
    /// <exception cref="ZeroTierException">It cannot: not joined, left, denied, not found, not supported, or the node is not running, stops or fails.</exception>
    Task<ZeroTierNetwork> WaitForNetworkAsync(NetworkId network, CancellationToken cancellationToken = default);

    /// <summary>Opens a subscription to events.</summary>
    /// <param name="capacity">Events that may wait for this subscriber, 1 or more; then the newest are dropped and counted.</param>
    IZeroTierEventSubscription Subscribe(int capacity = 256);

    /// <summary>Listens on a port of a network that can carry traffic.</summary>
    /// <exception cref="ZeroTierException">The port is taken, or the network is not usable now.</exception>
    ValueTask<IZeroTierListener> ListenAsync(ZeroTierEndPoint endPoint, ZeroTierConnectionOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>Connects to a port on a network that can carry traffic.</summary>
    /// <exception cref="ZeroTierException">Refused, timed out, no route, or the network is not usable now.</exception>
    ValueTask<ZeroTierConnection> ConnectAsync(ZeroTierEndPoint endPoint, ZeroTierConnectionOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>Binds a UDP port of a network that can carry traffic.</summary>
    /// <exception cref="ZeroTierException">The port is taken, or the network is not usable now.</exception>
    ValueTask<IZeroTierDatagramSocket> BindDatagramAsync(ZeroTierEndPoint endPoint, CancellationToken cancellationToken = default);

    /// <summary>The node's counters.</summary>
    ZeroTierStatistics GetStatistics();
}
