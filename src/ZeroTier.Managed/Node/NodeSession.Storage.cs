using System.Diagnostics;
using System.Net.Sockets;
using ZeroTier.Engines;
using ZeroTier.Managed.Vl1;

namespace ZeroTier.Managed.Node;

/// <summary>What the node keeps for its next start.</summary>
internal sealed partial class NodeSession
{
    private const int StoredAtOnce = 64;
    private const int TurnsPerFullStore = 150;

    // Peers are stored while the node runs, each soon after it changed: one that is killed would know nobody, and be found by nobody for minutes.
    private static readonly TimeSpan PeerStoreInterval = TimeSpan.FromSeconds(2);

    // Peers whose files are to be written. Guarded by itself.
    private readonly HashSet<NodeId> _changedPeers = [];
    private NodeFiles? _files;
    private StoredPort? _port;
    private PeerFiles? _peerFiles;
    private int _storeTurns;

    // Where nobody has set a port, the one of the last run: peers look for us there.
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
                if (port != last)
                {
                    if (last != 0)
                    {
                        NodeLog.PortMoved(_log, last, port);
                    }

                    Store(() => stored.Save(port), "The UDP port");
                }

                return transport;
            }
            catch (ZeroTierException e) when (candidate != 0 && e.InnerException is SocketException { SocketErrorCode: SocketError.AddressAlreadyInUse or SocketError.AccessDenied })
            {
                // The next one.
            }
        }

        throw new UnreachableException();
    }

    private UdpDatagramTransport OpenUdp(Planet planet, int port) => UdpDatagramTransport.Open(new UdpDatagramTransportOptions
    {
        Port = port,
        BindAddresses = Options.BindAddresses,
        LoopbackOnly = planet.IsLoopbackOnly,
        TimeProvider = Options.TimeProvider,
        Logger = NonThrowingLogger.Create(Options.LoggerFactory, "ZeroTier.Managed.Datagrams"),
    });

    private void StoreChangedPeers()
    {
        if (_closing || _peerFiles is not { } files)
        {
            return;
        }

        NodeId[] changed;
        lock (_changedPeers)
        {
            // The others with the next turn, so that a root at which thousands arrive does not write without end.
            changed = [.. _changedPeers.Take(StoredAtOnce)];
            _changedPeers.ExceptWith(changed);
        }

        if (++_storeTurns % TurnsPerFullStore == 0)
        {
            // Also the order in which they were heard, and who was forgotten.
            StorePeers();
            return;
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

    private void StorePeers()
    {
        if (_peerFiles is { } files)
        {
            Store(() => files.Save(_vl1.GetPersistentPeers()), "The peers");
        }
    }

    // What cannot be stored costs a slower next start, not this run.
    private void Store(Action write, string what)
    {
        if (_readOnly)
        {
            return;
        }

        try
        {
            write();
            Volatile.Write(ref _notStored, 0);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Peers are tried again and again: a full disk is said once, until it has room.
            if (Interlocked.Exchange(ref _notStored, 1) == 0)
            {
                NodeLog.NotStored(_log, what, e);
            }
        }
    }
}
