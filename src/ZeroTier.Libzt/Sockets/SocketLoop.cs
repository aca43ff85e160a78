using Microsoft.Extensions.Logging;
using ZeroTier.Engines;

namespace ZeroTier.Libzt.Sockets;

/// <summary>
/// The event loop: one dedicated thread that owns every libzt descriptor of the process. All public members are thread-safe.
/// </summary>
/// <remarks>
/// <para>libzt freezes or crashes when two threads use one descriptor at the same time (docs/protocol/4-libzt-api.md 12.3 and 12.4). So one
/// thread owns all of them, and other threads queue work for it in a <see cref="WorkQueue"/>; its own state needs no locks.</para>
/// <para>Each round reads from all readable sockets before it writes to any: libzt queues only 127 segments per connection, and drops
/// further ones, which are retransmitted a second later. For the same reason, long writes alternate with reads.</para>
/// </remarks>
internal sealed partial class SocketLoop
{
    private readonly TimeProvider _timeProvider;
    private readonly Func<NodeId, ZeroTierPeer?> _findPeer;
    private readonly Thread _thread;
    private readonly WakeSocket _wake;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _started;

    internal SocketLoop(TimeProvider timeProvider, ILogger logger, Func<NodeId, ZeroTierPeer?> findPeer, SocketLoopLimits? limits = null)
    {
        _timeProvider = timeProvider;
        _findPeer = findPeer;
        Logger = new NonThrowingLogger(logger);
        Limits = limits ?? SocketLoopLimits.Default;
        _wake = new WakeSocket(Counters);
        Work = new WorkQueue(WakeUp);
        _thread = new Thread(Run) { IsBackground = true, Name = "ZeroTier sockets (libzt)" };
        _dispatch = Dispatch;
        _expire = Expire;
        _onWorkFailed = FailWork;
    }

    /// <summary>The loop's counters.</summary>
    public SocketCounters Counters { get; } = new();

    internal ILogger Logger { get; }

    internal SocketLoopLimits Limits { get; }

    internal WorkQueue Work { get; }

    /// <summary>True on the loop's own thread.</summary>
    internal bool IsCurrentThread => Thread.CurrentThread == _thread;

    /// <summary>Starts the thread. Call once, when the node runs and libzt accepts socket calls.</summary>
    public void Start()
    {
        if (Interlocked.Exchange(ref _started, 1) == 0)
        {
            _thread.Start();
        }
    }

    /// <summary>
    /// Closes listeners and datagram sockets, resets connections, closes every descriptor, and ends the thread. Call it while libzt still
    /// accepts socket calls: afterwards descriptors can no longer be closed. Idempotent, never throws.
    /// </summary>
    public Task StopAsync()
    {
        if (Interlocked.Exchange(ref _started, 1) == 0)
        {
            // Never began.
            while (!Work.TryEnd())
            {
                Work.Run(_onWorkFailed);
            }

            _ended.TrySetResult();
        }
        else
        {
            Work.Schedule(static state => ((SocketLoop)state!).BeginStop(), this);
        }

        return _ended.Task;
    }

    /// <summary>Listens on a port of one address, or of all addresses, of the network.</summary>
    /// <exception cref="ZeroTierException">The port is taken, the address is not the node's, no descriptor is left, or the loop
    /// ends.</exception>
    public ValueTask<IZeroTierListener> ListenAsync(
        NetworkView network, ZeroTierEndPoint endPoint, ZeroTierConnectionOptions options, CancellationToken cancellationToken) =>
        RunAsync(
            () => (IZeroTierListener)Listen(Current(network), endPoint, options),
            static made => _ = made.DisposeAsync(),
            cancellationToken);

    /// <summary>Binds a UDP port of one address, or of all addresses, of the network.</summary>
    /// <exception cref="ZeroTierException">The port is taken, the address is not the node's, no descriptor is left, or the loop
    /// ends.</exception>
    public ValueTask<IZeroTierDatagramSocket> BindDatagramAsync(
        NetworkView network, ZeroTierEndPoint endPoint, CancellationToken cancellationToken) =>
        RunAsync(
            () => (IZeroTierDatagramSocket)BindDatagram(Current(network), endPoint),
            static made => _ = made.DisposeAsync(),
            cancellationToken);

    /// <summary>Opens a connection.</summary>
    /// <exception cref="ZeroTierException">Refused, timed out, no route, no descriptor left, the network is left, or the loop
    /// ends.</exception>
    public async ValueTask<ZeroTierConnection> ConnectAsync(
        NetworkView network, ZeroTierEndPoint endPoint, ZeroTierConnectionOptions options, CancellationToken cancellationToken)
    {
        ConnectingSocket attempt = await RunAsync(
            () => Connect(Current(network), endPoint, options),
            static made => made.Cancel(new CancellationToken(canceled: true)),
            cancellationToken).ConfigureAwait(false);
        using CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(
            static (state, token) => ((ConnectingSocket)state!).Cancel(token), attempt);
        return await attempt.Connected.ConfigureAwait(false);
    }

    /// <summary>
    /// Waits until the peers have probably received what applications wrote. libzt does not report acknowledgements: a closed connection
    /// counts as drained when the peer's FIN has arrived or after a bounded time, an open one when libzt took the last byte a short time
    /// ago.
    /// </summary>
    public async Task DrainAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var waiter = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Work.Schedule(
            static state =>
            {
                var (loop, waiter) = ((SocketLoop, TaskCompletionSource))state!;
                loop.AddDrainWaiter(waiter);
            },
            (this, waiter));
        try
        {
            await waiter.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            Work.Schedule(
                static state =>
                {
                    var (loop, waiter) = ((SocketLoop, TaskCompletionSource))state!;
                    loop._drainWaiters.Remove(waiter);
                },
                (this, waiter));
            throw;
        }
    }

    /// <summary>
    /// Closes a network's listeners and datagram sockets and resets its connections, before the network is left. Completes when all its
    /// descriptors are closed.
    /// </summary>
    public Task CloseNetworkAsync(NetworkId network)
    {
        var waiter = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Work.Schedule(
            static state =>
            {
                var (loop, network, waiter) = ((SocketLoop, NetworkId, TaskCompletionSource))state!;
                loop.CloseNetwork(network, waiter);
            },
            (this, network, waiter));
        return waiter.Task;
    }

    /// <summary>The peer to which an address belongs.</summary>
    internal ZeroTierPeer? FindPeer(NodeId node) => _findPeer(node);

    // Runs a request on the loop's thread. Requests are rare, so a closure for each is acceptable. A cancelled caller returns at once, even
    // while libzt hangs; a result that arrives later is undone.
    private async ValueTask<T> RunAsync<T>(Func<T> request, Action<T> undo, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var result = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        using CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(
            static (state, token) => ((TaskCompletionSource<T>)state!).TrySetCanceled(token), result);
        Work.Schedule(
            _ =>
            {
                if (result.Task.IsCompleted)
                {
                    return;
                }

                try
                {
                    T made = _isStopping || !IsCurrentThread ? throw SocketErrors.NotRunning() : request();
                    if (!result.TrySetResult(made))
                    {
                        undo(made);
                    }
                }
                catch (Exception e)
                {
                    result.TrySetException(e);
                }
            },
            null);
        return await result.Task.ConfigureAwait(false);
    }
}
