using Microsoft.Extensions.Logging;
using ZeroTier.Engines;
using ZeroTier.Libzt.Native;
using ZeroTier.Libzt.Sockets;

namespace ZeroTier.Libzt.Node;

/// <summary>
/// Start and stop, in the order that docs/protocol/4-libzt-api.md 11 and 13 requires. The caller holds the gate throughout.
/// </summary>
internal sealed partial class NodeSession
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(30);

    // The service runs within a millisecond of its start (section 11.2); if it is not seen running within this time, it has already ended.
    private static readonly TimeSpan RunLimit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(2);

    /// <summary>Starts the native node. When a step fails, all earlier steps are undone.</summary>
    /// <param name="options">The node's options.</param>
    /// <param name="library">The library.</param>
    /// <param name="identity">The identity of a node without a storage folder; null for a new one.</param>
    /// <param name="networks">Networks to join, in this order.</param>
    /// <param name="events">Receives the events.</param>
    /// <param name="changed">Pulsed at each change of state.</param>
    /// <param name="fail">Called when the native node has terminated by itself.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    public static async Task<NodeSession> StartAsync(
        LibztNodeOptions options,
        LibztLibrary library,
        IdentityText? identity,
        IReadOnlyList<NetworkId> networks,
        EventOutbox events,
        StateSignal changed,
        Action<NodeSession, ZeroTierException> fail,
        CancellationToken cancellationToken)
    {
        await NativeLifecycle.WaitUntilStartableAsync(library, cancellationToken).ConfigureAwait(false);
        var session = new NodeSession(options, library, events, changed, fail);
        bool started = false;
        try
        {
            session.Prepare(identity, networks);
            started = true;
            int result = NativeLifecycle.Start();
            if (result != Zts.Ok)
            {
                throw new ZeroTierException(ZeroTierError.Underlay, $"libzt did not start its node (libzt result {result}).");
            }

            await session.WaitForCoreAsync(cancellationToken).ConfigureAwait(false);
            session.Begin(networks);
            return session;
        }
        catch
        {
            session._closing = true;
            await session.EndAsync(started).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Ends everything: connections are reset, listeners close, the native node stops.</summary>
    /// <returns>The error when libzt has frozen and cannot be stopped; null on success.</returns>
    public async Task<ZeroTierException?> StopAsync()
    {
        lock (_lock)
        {
            _closing = true;
            foreach (var network in _networks)
            {
                _events.Add(ZeroTierEventCode.NetworkDown, network.Id);
            }
        }

        ZeroTierException? frozen;
        try
        {
            _events.Publish();
        }
        finally
        {
            frozen = await EndAsync(native: true).ConfigureAwait(false);
        }

        _networks = [];
        if (frozen is null)
        {
            LifecycleLog.Stopped(_log, Id);
        }
        else
        {
            _events.Add(ZeroTierEventCode.NodeFatalError, detail: frozen.Message);
        }

        _events.Add(ZeroTierEventCode.NodeDown);
        _events.Publish();
        return frozen;
    }

    /// <summary>Tries again to end a session whose stop found libzt frozen; false while it is still frozen.</summary>
    public async Task<bool> TryFinishStopAsync()
    {
        if (!await NativeLifecycle.EndsAtOnceAsync(Sockets.StopAsync()).ConfigureAwait(false))
        {
            return false;
        }

        await EndNativeAsync(native: true).ConfigureAwait(false);
        return true;
    }

    private void Prepare(IdentityText? identity, IReadOnlyList<NetworkId> networks)
    {
        if (_options.StoragePath is { } path)
        {
            _folder = NodeFolder.Open(path, _log);
            _folder.SetNetworks(networks);
        }

        ReadOnlyMemory<byte> planet = _options.Planet;
        if (planet.Length == 0 && _folder is not null)
        {
            planet = _folder.ReadPlanet();
        }

        if (planet.Length == 0 && !_options.UsePublicRoots)
        {
            throw new ZeroTierException(
                ZeroTierError.Underlay,
                "No planet is set, so the node knows no roots. Set LibztNodeOptions.Planet to the bytes of a planet file, or put a file "
                + "named 'planet' into the storage folder, or set UsePublicRoots. No public roots are used by default.");
        }

        DescriptorQuota.Require();
        NativeSettings.Apply(_options with { Port = ChoosePort() }, _folder, identity, planet.Span);
        NativeEvents.Register(this, _library);
    }

    // Without a configured port or range, prefers the port of the last run, to which peers still send.
    private int ChoosePort()
    {
        if (_options.Port != 0)
        {
            UdpPort.Require(_options.Port);
        }

        if (_options.Port != 0 || _options.FirstRandomPort != 0 || _folder is not { } folder)
        {
            return _options.Port;
        }

        int last = folder.LastPort;
        int port = StoredPort.Candidates(last, _options.Random.Next).First(candidate => candidate == 0 || UdpPort.IsFree(candidate));
        if (last != 0 && port != last)
        {
            NodeLog.PortMoved(_log, last, port);
        }

        folder.StorePort(port);
        return port;
    }

    /// <summary>Waits until joins are safe and sockets can be opened. libzt does not report a failed start (section 11.3).</summary>
    private async Task WaitForCoreAsync(CancellationToken cancellationToken)
    {
        long begin = _options.TimeProvider.GetTimestamp();
        bool running = false;
        while (true)
        {
            ulong id = Zts.NodeGetId();
            if (id != Zts.NoNode && id != 0 && GateIsOpen())
            {
                Id = new NodeId(id);
                return;
            }

            bool ended = running && id == Zts.NoNode;
            running |= id != Zts.NoNode;
            _gone = ended;
            var lasted = _options.TimeProvider.GetElapsedTime(begin);
            ended |= !running && lasted > RunLimit;
            if (ended || lasted > StartLimit)
            {
                throw new ZeroTierException(
                    ZeroTierError.Underlay,
                    (ended
                        ? "libzt ended its node while it was starting."
                        : $"libzt's node did not start within {StartLimit.TotalSeconds} seconds.")
                    + " Check that its UDP port is free,"
                    + (_folder is { } folder ? $" that '{folder.Path}' can be written," : "")
                    + " that the planet file is whole, and that no other node has this identity; libzt itself gives no reason.");
            }

            await Task.Delay(Step, _options.TimeProvider, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Whether libzt's transport calls are enabled. The IP stack starts asynchronously at the first start in the process, so this tests by
    /// opening a socket; no other socket exists yet.
    /// </summary>
    private static bool GateIsOpen()
    {
        int fd = Zts.Socket(ZtsFamily.InterNetworkV6, ZtsSocketType.Datagram, ZtsProtocol.Udp);
        if (fd < 0)
        {
            return false;
        }

        Zts.Close(fd);
        return true;
    }

    private void Begin(IReadOnlyList<NetworkId> networks)
    {
        _folder?.ProtectIdentity();
        _statistics = StackStatistics.Begin();
        _sockets = new SocketLoop(_options.TimeProvider, _options.LoggerFactory.CreateLogger("ZeroTier.Libzt.Sockets"), FindPeer);
        _sockets.Start();
        lock (_lock)
        {
            foreach (var network in networks)
            {
                Add(network);
            }
        }

        _listening = true;
        NodeLog.Started(_log, Id, _library.Path, Zts.NodeGetPort());
        _events.Add(ZeroTierEventCode.NodeUp);
    }

    /// <summary>Polls for the first time. A separate step, because it publishes events.</summary>
    public void Watch() => Look();

    private async Task<ZeroTierException?> EndAsync(bool native)
    {
        _listening = false;
        NativeEvents.Unregister(this);

        // Sockets first, while libzt still accepts calls on them; afterwards their descriptors would leak.
        if (_sockets is { } sockets && !await NativeLifecycle.EndsInTimeAsync(sockets.StopAsync()).ConfigureAwait(false))
        {
            // Stopping the native node would block on the lock that blocks the sockets. The native node goes on, so it keeps its folder.
            _timer.Dispose();
            NativeLifecycle.Freeze(this);
            var frozen = NativeLifecycle.Frozen();
            LifecycleLog.Failed(_log, Id, frozen.Message);
            return frozen;
        }

        await _timer.DisposeAsync().ConfigureAwait(false);
        await EndNativeAsync(native).ConfigureAwait(false);
        return null;
    }

    private async Task EndNativeAsync(bool native)
    {
        try
        {
            if (_gone || native)
            {
                await NativeLifecycle.StopAsync(_library, _gone, _log).ConfigureAwait(false);
            }
        }
        finally
        {
            _folder?.Dispose();
        }
    }
}
