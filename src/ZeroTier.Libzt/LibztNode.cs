using System.Reflection;
using ZeroTier.Engines;
using ZeroTier.Libzt.Node;

namespace ZeroTier.Libzt;

/// <summary>A ZeroTier node on the native library libzt, which allows one running node per process. Thread-safe.</summary>
/// <remarks>
/// <para>Any number of objects may exist, but a second one that is started while the first runs throws. A start within a second after a
/// stop waits for the rest of that second. Each restart costs the process one native thread that never ends, so restarting is no way to
/// recover from trouble.</para>
/// <para>libzt cannot handle operating-system descriptors from number 1024 on (outside Windows): a start in a process that has so many open
/// is refused. Start the node before the process opens them; libzt opens further ones when the machine's addresses change, which nothing
/// can guard.</para>
/// <para>After <see cref="DisposeAsync"/> every call that would change something throws <see cref="ObjectDisposedException"/>.</para>
/// </remarks>
public sealed partial class LibztNode : ZeroTierNode
{
    private readonly LibztNodeOptions _options;
    private readonly NodeCore<NodeSession, JoinedNetwork> _core;
    private IdentityText? _identity;

    /// <summary>Makes a node; the library is loaded and opened at the start.</summary>
    /// <exception cref="ArgumentException">An option is out of its range; the message names it.</exception>
    public LibztNode(LibztNodeOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options = options with { StoragePath = StorageFolder.Of(options.StoragePath) };
        options.Check();
        var log = NonThrowingLogger.Create(options.LoggerFactory, NodeLog.Category);
        _options = options with
        {
            TimeProvider = new ShieldedTime(options.TimeProvider, log),
            Scheduler = ShieldedScheduler.Around(options.Scheduler, log),
        };

        // A gate per process, as libzt has one node per process.
        _core = new NodeCore<NodeSession, JoinedNetwork>(
            this, NativeLifecycle.Gate, options.Networks, _options.Scheduler, _options.TimeProvider);
    }

    /// <summary>True while a node of this process runs on libzt or has reserved it, so that no other one can run.</summary>
    public static bool IsRunningInProcess => NativeLifecycle.IsClaimed;

    /// <inheritdoc />
    public override string Engine => "libzt";

    /// <summary>The version of this engine. libzt does not tell its own.</summary>
    public override string EngineVersion { get; } =
        typeof(LibztNode).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0";

    /// <inheritdoc />
    public override ZeroTierNodeState State => _core.State;

    /// <inheritdoc />
    public override ZeroTierException? FatalError => _core.FatalError;

    /// <inheritdoc />
    public override NodeId Id => _core.Id;

    /// <inheritdoc />
    public override bool IsOnline => _core.Session?.IsOnline ?? false;

    /// <inheritdoc />
    public override IReadOnlyList<ZeroTierNetwork> Networks => _core.Networks;

    /// <summary>The peers that libzt has told of, roots first; it tells neither their paths nor when it last heard of them.</summary>
    public override IReadOnlyList<ZeroTierPeer> Peers => _core.Session?.Peers ?? [];

    /// <inheritdoc />
    public override async ValueTask DrainAsync(CancellationToken cancellationToken = default)
    {
        if (_core.Session is { } session)
        {
            await session.Sockets.DrainAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <inheritdoc />
    public override Task JoinAsync(NetworkId network, CancellationToken cancellationToken = default) =>
        _core.JoinAsync(network, session => session.Join(network), cancellationToken);

    /// <inheritdoc />
    public override Task LeaveAsync(NetworkId network, CancellationToken cancellationToken = default) =>
        _core.LeaveAsync(network, session => session?.LeaveAsync(network) ?? Task.CompletedTask, cancellationToken);

    /// <inheritdoc />
    public override Task WaitForOnlineAsync(CancellationToken cancellationToken = default) => _core.WaitForOnlineAsync(cancellationToken);

    /// <inheritdoc />
    public override Task<ZeroTierNetwork> WaitForNetworkAsync(NetworkId network, CancellationToken cancellationToken = default) =>
        _core.WaitForNetworkAsync(network, cancellationToken);

    /// <inheritdoc />
    public override IZeroTierEventSubscription Subscribe(int capacity) => _core.Hub.Subscribe(capacity);

    /// <inheritdoc />
    protected override async ValueTask<IZeroTierListener> ListenCoreAsync(
        ZeroTierEndPoint endPoint, ZeroTierConnectionOptions options, CancellationToken cancellationToken)
    {
        var session = _core.Running();
        var network = NodeSession.Usable(NodeCore<NodeSession, JoinedNetwork>.Find(session, endPoint.Network));
        var ports = OpenPorts.Of(endPoint.Network);
        if (endPoint.Port != 0 || ports.IsAll)
        {
            if (endPoint.Port != 0)
            {
                ports.Require(endPoint);
            }

            return await session.Sockets.ListenAsync(network, endPoint, options, cancellationToken).ConfigureAwait(false);
        }

        // libzt's own choice of a port would lie outside of the open ones.
        foreach (int port in ports.From(_options.Random))
        {
            try
            {
                return await session.Sockets.ListenAsync(
                    network,
                    new ZeroTierEndPoint(endPoint.Network, endPoint.Address, port),
                    options,
                    cancellationToken).ConfigureAwait(false);
            }
            catch (ZeroTierException e) when (e.Error == ZeroTierError.AddressInUse)
            {
                // The next one.
            }
        }

        throw new ZeroTierException(
            ZeroTierError.AddressInUse,
            $"All open ports of network {endPoint.Network} ({ports}) are in use by this node. Use a network with more of them.");
    }

    /// <inheritdoc />
    protected override TimeProvider TimeProvider => _options.TimeProvider;

    /// <inheritdoc />
    protected override async ValueTask<ZeroTierConnection> ConnectCoreAsync(
        ZeroTierEndPoint endPoint, ZeroTierConnectionOptions options, CancellationToken cancellationToken)
    {
        var session = _core.Running();
        var network = NodeSession.Usable(NodeCore<NodeSession, JoinedNetwork>.Find(session, endPoint.Network));
        if (endPoint.Address is not null)
        {
            OpenPorts.Of(endPoint.Network).Require(endPoint);
        }

        return await session.Sockets.ConnectAsync(network, endPoint, options, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc />
    protected override async ValueTask<IZeroTierDatagramSocket> BindDatagramCoreAsync(
        ZeroTierEndPoint endPoint, CancellationToken cancellationToken)
    {
        var session = _core.Running();
        return await session.Sockets.BindDatagramAsync(
            NodeSession.Usable(NodeCore<NodeSession, JoinedNetwork>.Find(session, endPoint.Network)),
            endPoint,
            cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// The node's counters. libzt counts no UDP datagrams and no repeated segments; bytes are those of the node's own sockets, and segments
    /// and drops are only there when the library was built with statistics.
    /// </summary>
    public override ZeroTierStatistics GetStatistics() => _core.Session?.GetStatistics() ?? new ZeroTierStatistics();
}
