using System.Collections.Concurrent;
using System.Net;
using System.Reflection;
using Microsoft.Extensions.Logging;
using ZeroTier.Certificates;
using ZeroTier.Engines;
using ZeroTier.Managed.Capture;
using ZeroTier.Managed.Identity;
using ZeroTier.Managed.Node;
using ZeroTier.Names;

namespace ZeroTier.Managed;

/// <summary>A ZeroTier node in managed code. A process may have any number of them. Thread-safe.</summary>
/// <remarks>After <see cref="DisposeAsync"/> every call that would change something throws <see cref="ObjectDisposedException"/>.</remarks>
public sealed class ManagedNode : ZeroTierNode
{
    private const long MinTotalBufferSize = 1024 * 1024;

    private const int PingPayloadLength = 56;
    private static readonly TimeSpan PingTimeout = TimeSpan.FromSeconds(10);

    private readonly ManagedNodeOptions _options;
    private readonly NodeCore<NodeSession, JoinedNetwork> _core;
    private readonly CaptureTap _captures = new();
    private readonly ILogger _log;
    private NodeIdentity? _identity;
    private FrameCapture? _configuredCapture;
    private readonly ConcurrentDictionary<NetworkId, ZeroTierNetworkSettings> _settings = new();

    // Changed under the core's lock.
    private readonly List<MoonOrbit> _moons;

    /// <summary>Creates a node. No sockets or files are opened before it is started.</summary>
    /// <exception cref="ArgumentException">An option is out of its range; the message names it.</exception>
    public ManagedNode(ManagedNodeOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options = options with { StoragePath = StorageFolder.Of(options.StoragePath) };
        Check(options);
        _options = NodeShields.Around(options);
        _log = NonThrowingLogger.Create(options.LoggerFactory, "ZeroTier.Managed.Node");
        _identity = options.Identity;
        _moons = [.. options.Moons];
        _core = new NodeCore<NodeSession, JoinedNetwork>(
            this, new SemaphoreSlim(1, 1), options.Networks, _options.Scheduler, _options.TimeProvider);
    }

    /// <inheritdoc />
    public override string Engine => "managed";

    /// <inheritdoc />
    public override string EngineVersion { get; } =
        typeof(ManagedNode).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0";

    /// <inheritdoc />
    public override ZeroTierNodeState State => _core.State;

    /// <summary>
    /// Whether the node currently uses its <see cref="ManagedNodeOptions.TcpRelay"/>, as it receives nothing by UDP from a root.
    /// </summary>
    public bool UsesTcpRelay => Session?.UsesTcpRelay ?? false;

    /// <inheritdoc />
    public override ZeroTierException? FatalError => _core.FatalError;

    /// <inheritdoc />
    public override string? Warning => Session?.Warning;

    /// <inheritdoc />
    public override NodeId Id => _core.Id;

    /// <inheritdoc />
    public override bool IsOnline => Session?.IsOnline ?? false;

    /// <summary>The node's public identity as text, without the private key. Null while the node does not run.</summary>
    public string? PublicIdentity => Session?.PublicIdentity;

    /// <summary>The planet in use: the configured one, or a newer one received from a root. Null while the node does not run.</summary>
    public Planet? Planet => Session?.Planet;

    /// <summary>The moons in use: those whose definition is known. Empty while the node does not run.</summary>
    public IReadOnlyList<Moon> Moons => Session?.Moons ?? [];

    /// <summary>
    /// The physical UDP endpoints currently bound, which change with the machine's addresses. Empty while the node does not run.
    /// </summary>
    public IReadOnlyList<IPEndPoint> LocalEndPoints => Session?.LocalEndPoints ?? [];

    /// <inheritdoc />
    public override IReadOnlyList<ZeroTierNetwork> Networks => _core.Networks;

    /// <inheritdoc />
    public override IReadOnlyList<ZeroTierPeer> Peers => Session?.Peers ?? [];

    internal override NameResolverOptions NameResolverOptions => new()
    {
        TimeProvider = _options.TimeProvider,
        Random = _options.RandomSource.Fill,
        Scheduler = _options.Scheduler,
    };

    /// <summary>The current run of the node; null while it does not run.</summary>
    internal NodeSession? Session => _core.Session;

    /// <inheritdoc />
    public override ZeroTierMembership? GetMembership(NetworkId network, NodeId member) =>
        Session?.Find(network)?.DescribeMembership(member);

    /// <inheritdoc />
    public override Task StartAsync(CancellationToken cancellationToken = default) =>
        _core.ExclusivelyAsync(() => BeginAsync(cancellationToken), cancellationToken);

    /// <inheritdoc />
    public override async ValueTask DrainAsync(CancellationToken cancellationToken = default)
    {
        if (Session is { } session)
        {
            await Task.WhenAll(session.Networks.Select(n => n.Stack.Tcp.DrainAsync(cancellationToken))).ConfigureAwait(false);
        }
    }

    /// <inheritdoc />
    public override Task StopAsync(CancellationToken cancellationToken = default) =>
        _core.ExclusivelyAsync(() => _core.EndAsync(ZeroTierNodeState.Stopped, CloseAsync), cancellationToken);

    /// <inheritdoc />
    public override Task RestartAsync(CancellationToken cancellationToken = default) => _core.ExclusivelyAsync(
        async () =>
        {
            await _core.EndAsync(ZeroTierNodeState.Stopped, CloseAsync).ConfigureAwait(false);
            await BeginAsync(cancellationToken).ConfigureAwait(false);
        },
        cancellationToken);

    /// <inheritdoc />
    public override Task JoinAsync(NetworkId network, CancellationToken cancellationToken = default) =>
        _core.JoinAsync(network, session => session.Join(network), cancellationToken);

    /// <inheritdoc />
    public override Task LeaveAsync(NetworkId network, CancellationToken cancellationToken = default) => _core.LeaveAsync(
        network,
        session =>
        {
            _settings.TryRemove(network, out _);
            session?.Leave(network);
            return Task.CompletedTask;
        },
        cancellationToken);

    /// <inheritdoc />
    public override Task ConfigureAsync(NetworkId network, ZeroTierNetworkSettings settings, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(settings);
        return _core.ExclusivelyAsync(
            () =>
            {
                _core.ThrowIfDisposed();
                if (!_core.Joined.Contains(network))
                {
                    throw NodeErrors.NotJoined(network);
                }

                _settings[network] = settings;
                Session?.Configure(network, settings);
                return Task.CompletedTask;
            },
            cancellationToken);
    }

    /// <summary>
    /// Uses the roots of a moon in addition to those of the planet, now and at later starts of this node. If only a seed is given, the node
    /// asks it for the definition until it answers; the moon is then listed in <see cref="Moons"/>. A node with a storage folder stores the
    /// definition there for later processes.
    /// </summary>
    /// <param name="moon">The moon.</param>
    /// <param name="cancellationToken">Cancels the call before anything is changed.</param>
    /// <exception cref="InvalidOperationException">The node uses 16 moons already.</exception>
    public Task OrbitAsync(MoonOrbit moon, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(moon);
        return _core.ExclusivelyAsync(
            () =>
            {
                _core.ThrowIfDisposed();
                Session?.Orbit(moon);
                _moons.RemoveAll(known => known.Id == moon.Id);
                _moons.Add(moon);
                return Task.CompletedTask;
            },
            cancellationToken);
    }

    /// <summary>
    /// Stops using a moon, and removes its definition from the storage folder. If the node does not run, the definition in the folder is
    /// kept, and is used at the next start.
    /// </summary>
    /// <param name="moon">The moon's ID.</param>
    /// <param name="cancellationToken">Cancels the call before anything is changed.</param>
    public Task DeorbitAsync(ulong moon, CancellationToken cancellationToken = default) => _core.ExclusivelyAsync(
        () =>
        {
            _core.ThrowIfDisposed();
            Session?.Deorbit(moon);
            _moons.RemoveAll(known => known.Id == moon);
            return Task.CompletedTask;
        },
        cancellationToken);

    /// <inheritdoc />
    public override Task WaitForOnlineAsync(CancellationToken cancellationToken = default) => _core.WaitForOnlineAsync(cancellationToken);

    /// <inheritdoc />
    public override Task<ZeroTierNetwork> WaitForNetworkAsync(NetworkId network, CancellationToken cancellationToken = default) =>
        _core.WaitForNetworkAsync(network, cancellationToken);

    /// <inheritdoc />
    public override IZeroTierEventSubscription Subscribe(int capacity) => _core.Hub.Subscribe(capacity);

    /// <inheritdoc />
    protected override ValueTask<IZeroTierListener> ListenCoreAsync(
        ZeroTierEndPoint endPoint, ZeroTierConnectionOptions options, CancellationToken cancellationToken)
    {
        try
        {
            return new(_core.Find(endPoint.Network).Listen(endPoint, options));
        }
        catch (Exception exception)
        {
            return ValueTask.FromException<IZeroTierListener>(exception);
        }
    }

    /// <inheritdoc />
    protected override TimeProvider TimeProvider => _options.TimeProvider;

    /// <inheritdoc />
    protected override async ValueTask<ZeroTierConnection> ConnectCoreAsync(
        ZeroTierEndPoint endPoint, ZeroTierConnectionOptions options, CancellationToken cancellationToken)
    {
        return await _core.Find(endPoint.Network).ConnectAsync(endPoint, options, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc />
    protected override ValueTask<IZeroTierDatagramSocket> BindDatagramCoreAsync(
        ZeroTierEndPoint endPoint, CancellationToken cancellationToken)
    {
        try
        {
            return new(_core.Find(endPoint.Network).BindDatagram(endPoint));
        }
        catch (Exception exception)
        {
            return ValueTask.FromException<IZeroTierDatagramSocket>(exception);
        }
    }

    internal override TlsKeyProof? ProveTlsKey(TlsKeyStatement statement) => _core.Running().ProveTlsKey(statement);

    internal override bool IsProofOf(NodeId node, TlsKeyStatement statement, TlsKeyProof proof) =>
        Session?.FindIdentity(node) is { } identity && TlsKeySignature.Verify(identity, statement, proof);

    internal override string? FindHost(string name) => _options.FindHost?.Invoke(name);

    internal override IPAddress? FindAddress(NodeId member, NetworkId network) => Session?.Find(network)?.FindAddress(member);

    internal override ValueTask AskForAddressAsync(NodeId member, NetworkId network, CancellationToken cancellationToken) =>
        Session?.Find(network)?.AskForAddressAsync(member, TimeProvider, cancellationToken) ?? ValueTask.CompletedTask;

    /// <summary>Sends an ICMP echo request with 56 bytes of data over a network and waits at most 10 seconds for the reply.</summary>
    /// <param name="network">The network to send on.</param>
    /// <param name="address">The destination.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The round-trip time.</returns>
    /// <exception cref="ZeroTierException">The network is not usable now, there is no route, or no answer came in time.</exception>
    public ValueTask<TimeSpan> PingAsync(NetworkId network, IPAddress address, CancellationToken cancellationToken = default) =>
        PingAsync(network, address, PingTimeout, cancellationToken);

    /// <summary>Sends an ICMP echo request with 56 bytes of data over a network and waits for the reply.</summary>
    /// <param name="network">The network to send on.</param>
    /// <param name="address">The destination.</param>
    /// <param name="timeout">How long to wait.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The round-trip time.</returns>
    /// <exception cref="ZeroTierException">The network is not usable now, there is no route, or no answer came in time.</exception>
    public ValueTask<TimeSpan> PingAsync(
        NetworkId network, IPAddress address, TimeSpan timeout, CancellationToken cancellationToken = default) =>
        PingAsync(network, address, PingPayloadLength, timeout, cancellationToken);

    /// <summary>Sends an ICMP echo request over a network and waits for the reply.</summary>
    /// <param name="network">The network to send on.</param>
    /// <param name="address">The destination.</param>
    /// <param name="payloadLength">Bytes of data in the request, 0 to 65,507.</param>
    /// <param name="timeout">How long to wait.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The round-trip time.</returns>
    /// <exception cref="ZeroTierException">The network is not usable now, there is no route, or no answer came in time.</exception>
    public ValueTask<TimeSpan> PingAsync(
        NetworkId network, IPAddress address, int payloadLength, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(address);
        return PingCoreAsync(network, address, payloadLength, timeout, cancellationToken);
    }

    private async ValueTask<TimeSpan> PingCoreAsync(
        NetworkId network, IPAddress address, int payloadLength, TimeSpan timeout, CancellationToken cancellationToken) =>
        await _core.Find(network).PingAsync(address, payloadLength, timeout, cancellationToken).ConfigureAwait(false);

    /// <summary>
    /// Captures the frames of the node's networks to a pcapng file that only its owner may read. The capture continues when the node is
    /// stopped and started again.
    /// </summary>
    /// <param name="path">The file. An older capture is replaced, but no other file.</param>
    /// <param name="options">What to capture, and how much.</param>
    /// <param name="cancellationToken">Cancels the call before the file is created.</param>
    /// <returns>The capture, which runs until it is stopped or disposed of, its limit is reached, or the node is disposed of.</returns>
    /// <exception cref="ZeroTierException">The file cannot be created (<see cref="ZeroTierError.Storage"/>).</exception>
    /// <exception cref="ArgumentException">The path or the limit is out of its range.</exception>
    public Task<FrameCapture> StartCaptureAsync(string path, CaptureOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        CheckCapture(options);
        return Task.Run(() => Capture(path, options), cancellationToken);
    }

    /// <summary>
    /// Captures the frames of the node's networks to a stream, in the pcapng format. If the stream is too slow, frames are dropped from the
    /// capture.
    /// </summary>
    /// <param name="stream">The stream. It is not closed: the caller closes it after the capture.</param>
    /// <param name="options">What to capture, and how much.</param>
    /// <param name="cancellationToken">Cancels the call before anything is written.</param>
    /// <returns>The capture, which runs until it is stopped or disposed of, its limit is reached, or the node is disposed of.</returns>
    /// <exception cref="ArgumentException">The limit is out of its range, or the stream cannot be written.</exception>
    public Task<FrameCapture> StartCaptureAsync(Stream stream, CaptureOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(stream);
        CheckCapture(options);
        if (!stream.CanWrite)
        {
            throw new ArgumentException("The stream cannot be written. Open it for writing.", nameof(stream));
        }

        _core.ThrowIfDisposed();
        return cancellationToken.IsCancellationRequested
            ? Task.FromCanceled<FrameCapture>(cancellationToken)
            : Task.FromResult(FrameCapture.Start(_captures, options, stream, path: null, _options.TimeProvider, _log));
    }

    private FrameCapture Capture(string path, CaptureOptions options)
    {
        _core.ThrowIfDisposed();
        return FrameCapture.Start(_captures, options, CaptureFile.Create(path), path, _options.TimeProvider, _log);
    }

    private static void CheckCapture(CaptureOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.MaxSize < CaptureOptions.LowestMaxSize)
        {
            throw new ArgumentException(
                $"MaxSize is {options.MaxSize}; it must be at least {CaptureOptions.LowestMaxSize}, for example 67108864.",
                nameof(options));
        }
    }

    /// <inheritdoc />
    public override ZeroTierStatistics GetStatistics() => Session?.GetStatistics() ?? new ZeroTierStatistics();

    /// <inheritdoc />
    public override async ValueTask DisposeAsync()
    {
        await _core.DisposeAsync(CloseAsync, Release).ConfigureAwait(false);
        await _captures.DisposeAsync().ConfigureAwait(false);
    }

    private static async Task<ZeroTierException?> CloseAsync(NodeSession session)
    {
        await session.StopAsync().ConfigureAwait(false);
        return null;
    }

    private async Task BeginAsync(CancellationToken cancellationToken)
    {
        _core.ThrowIfDisposed();
        if (State == ZeroTierNodeState.Running)
        {
            return;
        }

        // Cleans up after a failure.
        await _core.EndAsync(ZeroTierNodeState.Stopped, CloseAsync).ConfigureAwait(false);
        if (_options.StoragePath is null && _identity is null)
        {
            _identity = await NodeIdentity.GenerateAsync(_options.RandomSource, cancellationToken).ConfigureAwait(false);
        }

        if (_options.CapturePath is { } path)
        {
            // Only at the first start: later ones continue the same capture.
            _configuredCapture ??= Capture(path, new CaptureOptions { MaxSize = _options.MaxCaptureSize });
        }

        var session = await NodeSession.StartAsync(
            _options,
            _captures,
            _identity,
            [.. _moons],
            _core.Joined,
            id => _settings.GetValueOrDefault(id),
            _core.Events,
            _core.Changed,
            time => RoundTripMeasured?.Invoke(time),
            Fail,
            cancellationToken).ConfigureAwait(false);
        _core.Begin(session, session.Networks.Select(n => n.Id));
        _core.State = ZeroTierNodeState.Running;
        _core.Events.Publish();
        _core.Changed.Pulse();
    }

    private void Release()
    {
        if (_options.Identity is null)
        {
            _identity?.Dispose();
        }
    }

    /// <summary>Ends the run because of an error. As it is called on a thread of the engine, closing is scheduled elsewhere.</summary>
    private void Fail(NodeSession session, ZeroTierException error) =>
        _options.Scheduler.Schedule(static state => _ = ((Failure)state!).RunAsync(), new Failure(_core, session, error));

    private static void Check(ManagedNodeOptions options)
    {
        if (options.TcpRelay is { Port: 0 } || options.TcpRelayListen is { Port: 0 })
        {
            throw new ArgumentException("TcpRelay and TcpRelayListen need a port, for example 203.0.113.5:8443.", nameof(options));
        }

        if (options.Port is < IPEndPoint.MinPort or > IPEndPoint.MaxPort)
        {
            throw new ArgumentException(
                $"Port is {options.Port}; it must be from 0 to 65535, for example 9993, or 0 for any free port.", nameof(options));
        }

        UdpDatagramTransportOptions.CheckReceiveThreads(options.ReceiveThreads);

        if (options.Moons.Count > Vl1Limits.Moons || options.Moons.DistinctBy(moon => moon.Id).Count() != options.Moons.Count)
        {
            throw new ArgumentException(
                $"Moons names a moon twice, or more than {Vl1Limits.Moons} moons. Name each once.", nameof(options));
        }

        if (options.TrustedPaths.Count > Vl1Limits.TrustedPaths || options.TrustedPaths.Contains(null!))
        {
            throw new ArgumentException(
                $"TrustedPaths names {options.TrustedPaths.Count} networks, or none in an entry; at most {Vl1Limits.TrustedPaths} are "
                + "possible. Name wider ones.", nameof(options));
        }

        if (options.BlockedInterfaces.Any(string.IsNullOrWhiteSpace))
        {
            throw new ArgumentException(
                "BlockedInterfaces has an empty entry, which would leave out every interface. Name the begin of a name, for "
                + "example docker.", nameof(options));
        }

        if (options.ActivityTimeout < TimeSpan.FromSeconds(1))
        {
            throw new ArgumentException(
                $"ActivityTimeout is {options.ActivityTimeout}; it must be at least 1 second, for example 00:00:30.", nameof(options));
        }

        if (options.MaxTotalBufferSize < MinTotalBufferSize)
        {
            throw new ArgumentException(
                $"MaxTotalBufferSize is {options.MaxTotalBufferSize}; it must be at least {MinTotalBufferSize}, for example 268435456, or "
                + "null for a quarter of the process's memory.",
                nameof(options));
        }

        if (options.MaxCaptureSize < CaptureOptions.LowestMaxSize)
        {
            throw new ArgumentException(
                $"MaxCaptureSize is {options.MaxCaptureSize}; it must be at least {CaptureOptions.LowestMaxSize}, for example 67108864.",
                nameof(options));
        }

        if (options is { StoragePath: not null, Identity: not null })
        {
            throw new ArgumentException(
                "StoragePath and Identity are both set; the identity comes from one of them. Set only one.", nameof(options));
        }

        if (options.StoragePath is { } path && string.IsNullOrWhiteSpace(path))
        {
            throw new ArgumentException(
                "StoragePath is empty. Name a folder, for example /var/lib/myapp/zerotier, or leave it null for a node in memory.",
                nameof(options));
        }

        if (options.Identity is { HasSecret: false })
        {
            throw new ArgumentException(
                $"Identity {options.Identity.Address} has no private key. Give the full identity.", nameof(options));
        }
    }

    private sealed record Failure(NodeCore<NodeSession, JoinedNetwork> Core, NodeSession Session, ZeroTierException Error)
    {
        public Task RunAsync() => Core.FailAsync(Session, Error, CloseAsync);
    }
}
