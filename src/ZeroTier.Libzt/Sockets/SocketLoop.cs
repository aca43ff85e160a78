using Microsoft.Extensions.Logging;
using ZeroTier.Engines;

namespace ZeroTier.Libzt.Sockets;

/// <summary>One dedicated thread that owns every libzt descriptor of the process. All public members are thread-safe.</summary>
/// <remarks>
/// <para>libzt freezes or crashes when two threads use one descriptor at the same time (docs/protocol/4-libzt-api.md 12.3 and 12.4). So one
/// thread owns all of them, and other threads queue work for it in a <see cref="WorkQueue"/>; its own state needs no locks.</para>
/// <para>A round reads from all sockets that have something before it writes to any: libzt keeps only 127 segments per connection for us,
/// and what comes beyond is lost and sent again a second later. Writing a lot takes turns with reading for the same reason.</para>
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

    /// <summary>What the loop has done.</summary>
    public SocketCounters Counters { get; } = new();

    internal ILogger Logger { get; }

    internal SocketLoopLimits Limits { get; }

    internal WorkQueue Work { get; }

    /// <summary>True on the loop's own thread.</summary>
    internal bool IsCurrentThread => Thread.CurrentThread == _thread;

    /// <summary>Begins. Call once, when the node runs and libzt's transport gate is open.</summary>
    public void Start()
    {
        if (Interlocked.Exchange(ref _started, 1) == 0)
        {
            _thread.Start();
        }
    }

    /// <summary>
    /// Ends everything: listeners and datagram sockets close, connections are reset, every descriptor is closed; then the thread ends. Call
    /// it while libzt's gate is still open: afterwards a descriptor can no longer be closed. Idempotent, never throws.
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

    /// <summary>Connects.</summary>
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
    /// Waits until what applications wrote has reached the peers. libzt does not tell what is acknowledged: the end of a connection is
    /// known from the peer's own end of it, or after a bounded time; an open one counts as drained when libzt has taken everything a little
    /// while ago.
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
    /// The network is being left: its listeners and datagram sockets end, its connections are reset. Ends when all its descriptors are
    /// closed.
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

    // Requests are rare: a closure each is fine. A caller that no longer waits is let go at once, also while libzt hangs; what is made all
    // the same is undone.
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
