using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using ZeroTier.Managed.Vl1.Admission;
using ZeroTier.Managed.Vl1.Lookup;
using ZeroTier.Managed.Vl1.Reachability;
using ZeroTier.Managed.Vl1.Receive;
using ZeroTier.Managed.Vl1.Roots;
using ZeroTier.Managed.Vl1.Worlds;

namespace ZeroTier.Managed.Vl1;

/// <summary>
/// The peer-to-peer layer of a node, VL1: finds other nodes by address, keeps direct paths to them or relays through roots, and carries
/// packets that are encrypted end to end. A node whose identity is in the planet or in a moon is a root (docs/protocol/2-vl1.md).
/// </summary>
/// <remarks>
/// <para>
/// The data plane looks up peers without a lock, and reads keys and route from immutable objects that are replaced whole. The control plane
/// (HELLO, WHOIS, paths, timers) is guarded by the lock of the <see cref="ControlPlane"/>, under which neither the transport nor the layer
/// above is called (except <see cref="IVl1Client.IsVirtualAddress"/>).
/// </para>
/// <para>Lock order: control lock, then the own locks of <see cref="ReassemblyTable"/>, <see cref="RootService.Introductions"/> or
/// <see cref="IdentityAdmission"/>; no other lock is taken under these.</para>
/// <para>All members are thread-safe. It has no thread of its own: work runs on the transport's receive threads, on senders' threads and on
/// timers.</para>
/// </remarks>
internal sealed partial class Vl1Node : IDatagramReceiver, IDisposable
{
    private readonly IDatagramTransport _transport;
    private readonly IVl1Client _client;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly ITimer _timer;
    private readonly IdlePool<Vl1Batch> _batches = new();

    // The next datagram is the first of a batch, for which the clock is read.
    private volatile bool _beginsBatch = true;

    private readonly ControlPlane _control;
    private readonly PeerTable _peers = new();
    private readonly WorldsInUse _worlds;
    private readonly PacketQueue _waiting;
    private readonly PacketReassembly _reassembly;
    private readonly IdentityAdmission _admission;

    // Reachability.
    private readonly Upstreams _upstreams;
    private readonly PathRules _rules;
    private readonly AmplificationLimits _amplification;
    private readonly Router _router;
    private readonly MtuDiscovery _mtuDiscovery;
    private readonly SendQueue _sendQueue;
    private readonly PathValidation _pathValidation;
    private readonly NatTraversal _natTraversal;
    private readonly OwnEndPoints _ownEndPoints;

    // Lookup.
    private readonly PeerDirectory _directory;
    private readonly IdentityLookup _lookup;
    private readonly DeferredSending _deferred;
    private readonly PeerReport _report;

    // Roots.
    private readonly OnlineState _onlineState;
    private readonly RootContact _rootContact;
    private readonly FirstContact _firstContact;
    private readonly PeerContact _peerContact;
    private readonly WorldUpdates _worldUpdates;

    // Receive.
    private readonly PacketDispatcher _dispatcher;
    private readonly PacketReceiver _receiver;

    /// <summary>Creates a node; nothing is sent before <see cref="Start"/>.</summary>
    /// <exception cref="ArgumentException">The identity has no private key.</exception>
    public Vl1Node(Vl1NodeOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (!options.Identity.HasSecret)
        {
            throw new ArgumentException("A node needs its private key.", nameof(options));
        }

        _transport = options.Transport;
        _client = options.Client;
        _time = options.TimeProvider;
        _log = options.Logger;
        Identity = options.Identity;
        Id = options.Identity.Address;
        _control = new ControlPlane(Identity, _transport, _time, options.Random, Drops, Tell);
        _worlds = new WorldsInUse(options.Moons.Aggregate(new WorldSet(options.Planet), WorldUpdates.WithOrbit), Identity);
        _waiting = new PacketQueue(Vl1Limits.WaitingPackets, Vl1Limits.WaitingPacketsPerSource, Drops);
        _reassembly = new PacketReassembly(Drops);
        foreach (var known in options.KnownPeers.Take(Vl1Limits.CachedPeers))
        {
            if (known.Identity.Address != Id)
            {
                _peers.Cache(known);
            }
        }

        long offlineAfter = (long)options.OfflineAfter.TotalMilliseconds;
        var trusted = new TrustedPaths(options.TrustedPaths);
        _upstreams = new Upstreams(offlineAfter);
        _rules = new PathRules(_client, new AddressBlocks(options.BlockedNetworks));
        var helloSender = new HelloSender(_control, _worlds, _upstreams);
        var prober = new Prober(_control, helloSender);
        _amplification = new AmplificationLimits(_control, helloSender, prober);
        _router = new Router(_control, _peers, _upstreams, _log);
        _mtuDiscovery = new MtuDiscovery(_control, _peers, _router, helloSender, prober, _log);
        _sendQueue = new SendQueue(_control, _peers, _router);
        _pathValidation = new PathValidation(_control, prober, _router);
        _natTraversal = new NatTraversal(_control, _rules, prober);
        var pathTable = new PathTable(_control, _rules, trusted, prober, _amplification, _router, _sendQueue, _log);
        _ownEndPoints = new OwnEndPoints(_control, _peers, _rules, prober, _router, pathTable, _log);

        var whois = new WhoisTable();
        _directory = new PeerDirectory(
            _control, _peers, whois, _rules, helloSender, prober, _router, _natTraversal, _sendQueue, _log);
        _lookup = new IdentityLookup(_control, _peers, whois, _worlds, _upstreams, _router, _directory);
        _report = new PeerReport(_control, _peers, _time);
        _deferred = new DeferredSending(_control, _upstreams, _router, _sendQueue, _directory, _lookup);

        _onlineState = new OnlineState(_control, _sendQueue, _log, offlineAfter);
        _rootContact = new RootContact(_upstreams, _rules, helloSender, prober, pathTable);
        _firstContact = new FirstContact(_control, _time, _upstreams, _rootContact, _log);
        _peerContact = new PeerContact(
            _peers,
            _upstreams,
            helloSender,
            prober,
            pathTable,
            _directory,
            _lookup,
            (long)options.PeerActivityTimeout.TotalMilliseconds);
        _worldUpdates = new WorldUpdates(
            _control, _peers, _worlds, _upstreams, _rules, helloSender, _directory, _lookup, _rootContact, _log);

        var twins = new TwinWatch();
        var arrivals = new Arrivals(_control, _client, _router, pathTable, helloSender, _ownEndPoints);
        var helloHandler = new HelloHandler(
            _control,
            _peers,
            _worlds,
            _upstreams,
            helloSender,
            _amplification,
            _router,
            _ownEndPoints,
            _directory,
            _worldUpdates,
            _onlineState,
            twins,
            arrivals,
            _log);
        var pathMessages = new PathMessages(
            _control, _client, _rules, _amplification, _natTraversal, _directory, _lookup, twins);
        _dispatcher = new PacketDispatcher(
            _control,
            _client,
            _waiting,
            _amplification,
            _pathValidation,
            _mtuDiscovery,
            _lookup,
            _worldUpdates,
            arrivals,
            helloHandler,
            pathMessages,
            _log);
        _admission = new IdentityAdmission(Identity, helloHandler, options.IdentityChecks, _time, Random, Drops);
        _receiver = new PacketReceiver(
            _control,
            _peers,
            _rules,
            trusted,
            _worlds,
            _reassembly,
            _waiting,
            _directory,
            _lookup,
            _worldUpdates,
            _admission,
            helloHandler,
            _dispatcher);

        _timer = _time.CreateTimer(static node => ((Vl1Node)node!).OnTick(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        using (_control.Enter())
        {
            _worldUpdates.UseWorlds(_worlds.Current);
        }
    }

    /// <summary>Our ZeroTier address.</summary>
    public NodeId Id { get; }

    /// <summary>Our identity.</summary>
    public NodeIdentity Identity { get; }

    /// <summary>The planet in use; replaced when a root sends a newer one.</summary>
    public Planet Planet => _worlds.Current.Planet;

    /// <summary>The moons in use, whose definitions have arrived.</summary>
    public IReadOnlyList<Moon> Moons => [.. _worlds.Current.Moons.Values.OrderBy(moon => moon.Id)];

    /// <summary>True when our identity is a root of the planet or of a moon.</summary>
    public bool IsRoot => _worlds.IsRoot;

    /// <summary>True when something was received from a root lately; always true for a root.</summary>
    public bool IsOnline => _onlineState.IsOnline;

    /// <summary>Whether a path to a root is alive on any socket other than this one.</summary>
    public bool HearsRootBeside(int socket)
    {
        lock (_control.Lock)
        {
            long now = Now;
            return _upstreams.All.Exists(root => Array.Exists(root.Paths, path => path.Socket != socket && path.IsAlive(now)));
        }
    }

    /// <summary>Counters of dropped packets by reason.</summary>
    public DropCounters Drops { get; } = new();

    /// <summary>Datagrams and bytes sent and received.</summary>
    public TrafficCounters Traffic => _control.Traffic;

    /// <summary>The root in use for look-ups and relaying; null when there is none.</summary>
    public NodeId? BestUpstream => _upstreams.Best?.Id;

    /// <summary>All roots other than ourselves.</summary>
    public IReadOnlyList<NodeId> Upstreams
    {
        get
        {
            lock (_control.Lock)
            {
                return [.. _upstreams.All.Select(peer => peer.Id)];
            }
        }
    }

    /// <summary>Milliseconds since this node was created.</summary>
    internal long Now => _control.Now;

    /// <inheritdoc cref="ControlPlane.LatelyNow" />
    internal long LatelyNow => _control.LatelyNow;

    /// <summary>Numbers of unknown nodes that wait for a check, and of those whose source address is being validated.</summary>
    internal (int Waiting, int Challenged) Newcomers => (_admission.Waiting, _admission.Challenged);

    internal ControlPlane Control => _control;

    internal RandomSource Random => _control.Random;

    internal ExpectedReplies ExpectedReplies => _control.ExpectedReplies;

    /// <summary>Starts receiving, and sends HELLO to the roots.</summary>
    /// <exception cref="InvalidOperationException">The node was started or disposed before.</exception>
    public void Start()
    {
        if (!_control.TryStart())
        {
            throw new InvalidOperationException("A node starts once.");
        }

        _transport.Start(this);
        OnTick();
        _directory.SendHelloToCachedPeers();
        _firstContact.ScheduleHello();
        _timer.Change(TimeSpan.FromMilliseconds(Vl1Timing.Tick + UntilGrid()), TimeSpan.FromMilliseconds(Vl1Timing.Tick));
    }

    private long UntilGrid()
    {
        // Milliseconds on a clock that all nodes share.
        long clock = (long)_time.GetElapsedTime(0).TotalMilliseconds;
        return (Vl1Timing.TickGrid - clock % Vl1Timing.TickGrid) % Vl1Timing.TickGrid;
    }

    /// <summary>
    /// Stops the timer and drops waiting packets. The transport, which the node does not own, must have stopped delivering, and senders
    /// must have stopped.
    /// </summary>
    public void Dispose()
    {
        if (!_control.TryDispose())
        {
            return;
        }

        _timer.Dispose();
        _firstContact.Dispose();
        _admission.Dispose();
        lock (_control.Lock)
        {
            _sendQueue.Clear();
            _waiting.Clear();
            _reassembly.Clear();
            _peers.DisposeKeys();
        }
    }

    /// <summary>The peer with this address, if its identity is known. Lock-free.</summary>
    public Peer? FindPeer(NodeId id) => _peers.Find(id);

    /// <summary>
    /// The identity of an address, if known; otherwise asks a root for it. <see cref="IVl1Client.OnPeerChanged"/> reports its arrival.
    /// </summary>
    public NodeIdentity? FindIdentity(NodeId id) => _lookup.FindIdentity(id);

    /// <summary>
    /// Sets the nodes that are looked up, and to which a path is kept, even without traffic (controllers, multicast replicators). Replaces
    /// the former list.
    /// </summary>
    public void SetAnchors(IEnumerable<NodeId> anchors)
    {
        ArgumentNullException.ThrowIfNull(anchors);
        NodeId[] list = [.. anchors.Where(id => id != Id && !id.IsReserved).Distinct().Take(Vl1Limits.Anchors)];
        lock (_control.Lock)
        {
            _peerContact.Anchors = list;
        }
    }

    /// <summary>Rents a batch for sending; dispose it to return it to the pool.</summary>
    public Vl1Batch BeginBatch() => _batches.TryTake() ?? new Vl1Batch(this);

    /// <summary>Sends one packet.</summary>
    /// <param name="destination">The receiver.</param>
    /// <param name="verb">The packet's verb.</param>
    /// <param name="payload">At most <see cref="Vl1Batch.MaxPayload"/> bytes; longer ones are dropped.</param>
    public void Send(NodeId destination, Verb verb, ReadOnlySpan<byte> payload)
    {
        if (payload.Length > Vl1Batch.MaxPayload)
        {
            Drops.Add(DropReason.TooLong);
            return;
        }

        using var batch = BeginBatch();
        payload.CopyTo(batch.Reserve(payload.Length));
        batch.Commit(destination, verb);
        batch.Send();
    }

    /// <summary>Answers a packet with OK, to its source endpoint.</summary>
    /// <param name="peer">The sender of the packet.</param>
    /// <param name="request">Its reception.</param>
    /// <param name="requestVerb">Its verb.</param>
    /// <param name="data">The part of the OK behind the quoted verb and packet ID.</param>
    public void ReplyOk(Peer peer, in PacketInfo request, Verb requestVerb, ReadOnlySpan<byte> data)
    {
        ArgumentNullException.ThrowIfNull(peer);
        using (_control.Enter())
        {
            _control.EmitOk(peer, request, requestVerb, data);
        }
    }

    /// <summary>Answers a packet with ERROR, to its source endpoint.</summary>
    public void ReplyError(Peer peer, in PacketInfo request, Verb requestVerb, ErrorCode code, ReadOnlySpan<byte> data) =>
        _dispatcher.ReplyError(peer, request, requestVerb, code, data);

    /// <summary>
    /// Uses a moon, or asks its seed for the definition. False when there are <see cref="Vl1Limits.Moons"/> others already.
    /// </summary>
    public bool Orbit(MoonOrbit orbit) => _worldUpdates.Orbit(orbit);

    /// <summary>Stops using a moon: its roots become ordinary peers. False when it was neither in use nor looked for.</summary>
    public bool Deorbit(ulong moon) => _worldUpdates.Deorbit(moon);

    /// <summary>The path MTU state of the current route to a node; null when there is no route. Lock-free.</summary>
    public PathMtu? FindMtu(NodeId id) => _router.FindMtu(id);

    /// <summary>A node no longer answers: the path MTU to it may have fallen and is probed.</summary>
    public void DoubtSize(NodeId id) => _mtuDiscovery.DoubtSize(id);

    /// <inheritdoc />
    [SuppressMessage(
        "Design",
        "CA1031:Do not catch general exception types",
        Justification = "What a stranger sent must never end the receive thread; it is counted and logged.")]
    public void OnDatagram(int socket, in InetEndPoint source, Span<byte> datagram)
    {
        if (!_control.IsRunning)
        {
            return;
        }

        if (_beginsBatch)
        {
            _ = _control.Now;
            _beginsBatch = false;
        }

        Traffic.AddReceived(datagram.Length);
        try
        {
            _receiver.Receive(socket, source, datagram);
        }
        catch (Exception exception)
        {
            Drops.Add(DropReason.Internal);
            Vl1Log.Failed(_log, datagram.Length, exception);
        }
    }

    /// <inheritdoc />
    public void OnBatchEnd(int socket)
    {
        _beginsBatch = true;
        if (_control.IsRunning)
        {
            _client.OnBatchEnd();
        }
    }

    /// <inheritdoc />
    public void OnRefused(int socket, in InetEndPoint destination, int size) => _mtuDiscovery.OnRefused(socket, destination, size);

    /// <summary>
    /// Passes the packets on hold to the layer above again, because credentials have arrived. To be called without holding locks.
    /// </summary>
    public void RetryHeld() => Retry(arrived: null);

    /// <summary>All peers, as applications see them. Allocates.</summary>
    public IReadOnlyList<ZeroTierPeer> Snapshot() => _report.Snapshot();

    /// <summary>One peer, as applications see it; null when it is not known. Allocates.</summary>
    public ZeroTierPeer? Describe(NodeId id) => _report.Describe(id);

    /// <summary>
    /// The peers to store, most recently heard first, and to pass as <see cref="Vl1NodeOptions.KnownPeers"/> at the next start. A root that
    /// restores its peers can serve them immediately.
    /// </summary>
    public IReadOnlyList<KnownPeer> GetPersistentPeers() => _report.ToStore();

    /// <summary>What to store of one peer; null when it is not in memory, or is a root.</summary>
    public KnownPeer? GetPersistentPeer(NodeId id) => _report.ToStore(id);

    internal void Return(Vl1Batch batch) => _batches.Return(batch);

    /// <inheritdoc cref="Router.TryFindWay" />
    internal bool TryFindWay(Peer peer, [NotNullWhen(true)] out PeerPath? path, [NotNullWhen(true)] out PathMtu? mtu) =>
        _router.TryFindWay(peer, out path, out mtu);

    internal void ProbeSize(Peer peer, PeerPath path, PathMtu mtu) => _mtuDiscovery.ProbeSize(peer, path, mtu);

    internal void Enqueue(NodeId destination, Verb verb, ReadOnlySpan<byte> payload) => _deferred.Enqueue(destination, verb, payload);

    // Also on threads that receive nothing, so it is a batch of its own.
    private void Retry(Peer? arrived)
    {
        _receiver.Retry(arrived);
        _client.OnBatchEnd();
    }

    private void Tell(Outbox.Notice notice)
    {
        switch (notice.Kind)
        {
            case NoticeKind.Online:
            case NoticeKind.Offline:
                _client.OnOnlineChanged(notice.Kind == NoticeKind.Online);
                break;
            case NoticeKind.PeerChanged:
                _client.OnPeerChanged(notice.Peer!, notice.Change);
                break;
            case NoticeKind.PeerGreeted:
                _client.OnPeerGreeted(notice.Peer!);
                break;
            case NoticeKind.Collision:
                _client.OnIdentityCollision();
                break;
            case NoticeKind.WorldUpdated when notice.World!.Type == World.MoonType:
                _client.OnMoonUpdated(new Moon(notice.World));
                break;
            case NoticeKind.WorldUpdated:
                _client.OnPlanetUpdated(new Planet(notice.World!));
                break;
            case NoticeKind.RoundTrip:
                _client.OnRoundTrip(notice.RoundTrip);
                break;
            case NoticeKind.IdentityArrived:
                Retry(notice.Peer);
                break;
        }
    }
}
