using System.Diagnostics;
using System.Net.Sockets;
using ZeroTier.Engines;
using ZeroTier.Managed.Vl1;
using ZeroTier.Managed.Vl2.Configuration;

namespace ZeroTier.Managed.Node;

/// <summary>Storage of what the node needs at its next start.</summary>
internal sealed partial class NodeSession
{
    private const int StoredAtOnce = 64;
    private const int TurnsPerFullStore = 150;

    // Peers are stored soon after they change, so that a node that is killed has its peer cache at the next start; without it, the node
    // could not be reached for minutes.
    private static readonly TimeSpan PeerStoreInterval = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan StorageWarningInterval = TimeSpan.FromHours(1);

    // Peers whose files are to be written. Guarded by itself.
    private readonly HashSet<NodeId> _changedPeers = [];

    // Configurations whose files are to be written. Guarded by itself.
    private readonly Dictionary<NetworkId, NetworkConfiguration> _changedConfigurations = [];

    // Held while the file of a network is written or removed.
    private readonly Lock _networkFiles = new();

    // Held while the file of a moon is written or removed.
    private readonly Lock _moonFiles = new();
    private NodeFiles? _files;
    private StoredPort? _port;
    private PeerFiles? _peerFiles;
    private int _storeTurns;

    // Claims the folder at once, which fails if it is in use or cannot be used.
    private Task<IdentityStore> BeginLoading(string folder, CancellationToken cancellationToken)
    {
        folder = Path.GetFullPath(folder);
        var claim = StorageClaim.Take(folder);
        if (claim.ReadOnlyBecause is { } reason)
        {
            _readOnly = true;
            NodeLog.ReadOnlyStorage(_log, folder, reason);
        }

        _files = new NodeFiles(folder);
        _port = new StoredPort(folder);
        var loading = IdentityStore.OpenAsync(folder, claim, Options.RandomSource, cancellationToken);
        _resources.Add(new Closing(async () =>
        {
            await ((Task)loading).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (loading.IsCompletedSuccessfully)
            {
                (await loading.ConfigureAwait(false)).Dispose();
            }
        }));
        return loading;
    }

    /// <summary>The loaded identity, or that of a node without a folder. If it cannot be loaded, the sockets are closed.</summary>
    private static async ValueTask<NodeIdentity?> OwnIdentityAsync(
        Task<IdentityStore>? loading, NodeIdentity? identity, IDatagramTransport? udp)
    {
        try
        {
            return loading is null ? identity : (await loading.ConfigureAwait(false)).Identity;
        }
        catch when (udp is not null)
        {
            await udp.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    // Without a configured port, the port of the last run is tried first, since peers still send to it.
    private UdpDatagramTransport OpenUdp(Planet planet)
    {
        if (Options.Port != 0 || _port is not { } stored)
        {
            return OpenUdp(planet, Options.Port);
        }

        int last = stored.Load();
        foreach (int candidate in StoredPort.Candidates(last, Options.RandomSource.Next))
        {
            try
            {
                var transport = OpenUdp(planet, candidate);
                int port = transport.LocalEndPoints[0].Port;
                if (port != last && last != 0)
                {
                    NodeLog.PortMoved(_log, last, port);
                }

                return transport;
            }
            catch (ZeroTierException e)
                when (candidate != 0
                    && e.InnerException is SocketException { SocketErrorCode: SocketError.AddressAlreadyInUse or SocketError.AccessDenied })
            {
                // Try the next candidate.
            }
        }

        throw new UnreachableException();
    }

    // Called once the identity is known to be sound: a start that fails before changes nothing in the folder.
    private void StorePort(IDatagramTransport udp)
    {
        if (Options.Port == 0 && Options.DatagramTransportFactory is null && _port is { } stored
            && udp.LocalEndPoints[0].Port is var port && port != stored.Load())
        {
            Store(() => stored.Save(port), "The UDP port");
        }
    }

    private UdpDatagramTransport OpenUdp(Planet planet, int port) => UdpDatagramTransport.Open(new UdpDatagramTransportOptions
    {
        Port = port,
        BindAddresses = Options.BindAddresses,
        BlockedInterfaces = Options.BlockedInterfaces,
        BlockedNetworks = Options.BlockedNetworks,
        LoopbackOnly = planet.IsLoopbackOnly,
        ReceiveThreads = Options.ReceiveThreads,
        TimeProvider = Options.TimeProvider,
        Logger = NonThrowingLogger.Create(Options.LoggerFactory, "ZeroTier.Managed.Datagrams"),
    });

    private void StoreChanges()
    {
        StoreConfigurations();
        if (_closing || _peerFiles is not { } files)
        {
            return;
        }

        if (++_storeTurns % TurnsPerFullStore == 0)
        {
            // Also stores the order in which peers were last heard, and removes files of evicted ones.
            lock (_changedPeers)
            {
                _changedPeers.Clear();
            }

            StorePeers();
            return;
        }

        NodeId[] changed;
        lock (_changedPeers)
        {
            // The rest follows at the next interval, so that a root with thousands of new peers does not write continuously.
            changed = [.. _changedPeers.Take(StoredAtOnce)];
            _changedPeers.ExceptWith(changed);
        }

        Store(
            () =>
            {
                foreach (var id in changed)
                {
                    if (_vl1.GetPersistentPeer(id) is { } peer)
                    {
                        files.Save(peer);
                    }
                }
            },
            "The peers");
    }

    private void NoteChanged(Peer peer)
    {
        if (_peerFiles is not null)
        {
            lock (_changedPeers)
            {
                _changedPeers.Add(peer.Id);
            }
        }
    }

    // Controllers send a configuration at least once a minute; the receive thread must not wait for the disk because of that.
    private void NoteConfiguration(NetworkConfiguration configuration)
    {
        if (_files is not null)
        {
            lock (_changedConfigurations)
            {
                _changedConfigurations[configuration.Id] = configuration;
            }
        }
    }

    private void StoreConfigurations()
    {
        NetworkConfiguration[] changed;
        lock (_changedConfigurations)
        {
            changed = [.. _changedConfigurations.Values];
            _changedConfigurations.Clear();
        }

        foreach (var configuration in changed)
        {
            // A network that was left in the meantime must not be joined again at the next start.
            lock (_networkFiles)
            {
                if (Find(configuration.Id) is not null)
                {
                    Store(
                        () => _files?.SaveConfiguration(configuration.Id, configuration.Text.Span),
                        $"The configuration of network {configuration.Id}");
                }
            }
        }
    }

    private void StorePeers()
    {
        if (_peerFiles is { } files)
        {
            Store(() => files.Save(_vl1.GetPersistentPeers()), "The peers");
        }
    }

    // A failed write only makes the next start slower; the node keeps running.
    private void Store(Action write, string what)
    {
        if (_readOnly)
        {
            return;
        }

        try
        {
            write();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Several files are written, some of them again and again, and of those on a full disk some succeed.
            var time = Options.TimeProvider;
            long now = time.GetTimestamp();
            long due = Volatile.Read(ref _nextStorageWarning);
            long next = now + (long)(StorageWarningInterval.TotalSeconds * time.TimestampFrequency);
            if (now >= due && Interlocked.CompareExchange(ref _nextStorageWarning, next, due) == due)
            {
                LifecycleLog.NotStored(_log, what, e);
            }
        }
    }
}
