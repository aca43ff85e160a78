using System.Reflection;
using ZeroTier.Engines;
using ZeroTier.Libzt.Node;

namespace ZeroTier.Libzt;

/// <summary>A ZeroTier node on the native library libzt, which allows one running node per process. Thread-safe.</summary>
/// <remarks>
/// <para>Any number of objects may exist, but only one can run at a time: starting a second one throws. A start waits until one second has
/// passed since the last stop. Each restart leaks one native thread, so do not use restarts to recover from errors.</para>
/// <para>libzt cannot handle operating-system descriptors numbered 1024 or higher (except on Windows), so a start is refused when the
/// process has that many open. Start the node before the process opens them. libzt opens further descriptors when the machine's addresses
/// change, which this class cannot check.</para>
/// <para>After <see cref="DisposeAsync"/> every call that would change something throws <see cref="ObjectDisposedException"/>.</para>
/// </remarks>
public sealed partial class LibztNode : ZeroTierNode
{
    private readonly LibztNodeOptions _options;
    private readonly NodeCore<NodeSession, JoinedNetwork> _core;
    private IdentityText? _identity;

    /// <summary>Creates a node; the library is loaded when it is started.</summary>
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

        // One gate for the whole process, as libzt has one node per process.
        _core = new NodeCore<NodeSession, JoinedNetwork>(
            this, NativeLifecycle.Gate, options.Networks, _options.Scheduler, _options.TimeProvider);
    }

    /// <summary>True while a node of this process runs on libzt or has reserved it, so that no other one can run.</summary>
    public static bool IsRunningInProcess => NativeLifecycle.IsClaimed;

    /// <inheritdoc />
    public override string Engine => "libzt";

    /// <summary>The version of this assembly. libzt does not report its own.</summary>
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

    /// <summary>
    /// The peers that libzt has reported, roots first. It reports neither their paths nor when it last received from them.
    /// </summary>
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

        // Choose a port here, because libzt would choose one outside the ports that the network permits.
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
                // Try the next port.
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
    /// The node's counters. libzt does not count UDP datagrams of the underlay or retransmissions. Bytes are those of the node's virtual
    /// sockets; segments and drops are available only if the library was built with statistics.
    /// </summary>
    public override ZeroTierStatistics GetStatistics() => _core.Session?.GetStatistics() ?? new ZeroTierStatistics();
}
