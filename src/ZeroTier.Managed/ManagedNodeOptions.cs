using System.IO.Pipelines;
using System.Net;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace ZeroTier.Managed;

/// <summary>Options of a <see cref="ManagedNode"/>, read once, by its constructor.</summary>
public sealed record ManagedNodeOptions
{
    /// <summary>
    /// The folder in which the node stores its identity, joined networks and peers. It is created if missing, accessible to its owner only.
    /// Only one node at a time may use it. A read-only folder, such as a mounted secret, must contain the identity; the rest is then kept
    /// in memory. Default: null, which means the same as <c>:memory:</c>: everything is kept in memory, and is lost when the node is
    /// disposed of.
    /// </summary>
    public string? StoragePath { get; init; }

    /// <summary>The identity of a node without a storage folder; the caller disposes of it. <see cref="NodeIdentity.Parse"/> reads one from
    /// a text, such as an environment variable. Default: null, a new identity generated at the first start.</summary>
    public NodeIdentity? Identity { get; init; }

    /// <summary>
    /// The planet, which defines the roots. Default: null, the file <c>planet</c> in the storage folder; without this file the start fails,
    /// as no public roots are used by default. A newer planet received from a root takes precedence if it is a signed update of this one.
    /// </summary>
    public Planet? Planet { get; init; }

    /// <summary>
    /// The moons to use, which define additional roots, for when the planet's are slow or unreachable. At most 16, including those of
    /// earlier runs that the storage folder contains in <c>moons.d</c>. Default: none.
    /// </summary>
    public IReadOnlyList<MoonOrbit> Moons { get; init; } = [];

    /// <summary>
    /// The UDP port, 0 to 65535. With 0, the port of the last run is used, which the storage folder contains, and a random one at the first
    /// start; without a folder the system chooses the port. Default 0.
    /// </summary>
    public int Port { get; init; }

    /// <summary>
    /// The physical addresses of this machine to bind. Default: none, which means every address of the machine, following later changes; if
    /// all roots of the planet have loopback addresses, only 127.0.0.1 and ::1.
    /// </summary>
    public IReadOnlyList<IPAddress> BindAddresses { get; init; } = [];

    /// <summary>
    /// Receive threads of each physical address, 1 to 64, among which the system spreads the other nodes. What one node sends is received,
    /// decrypted and processed by one thread, so more threads help a server or a root with many of them. Only on 64-bit Linux; elsewhere
    /// there is one. Default: half of the processors, 1 to 8.
    /// </summary>
    public int ReceiveThreads { get; init; } = UdpDatagramTransportOptions.DefaultReceiveThreads;

    /// <summary>
    /// Physical networks that the node never uses: it sends nothing to their addresses, ignores what it receives from them, and binds none
    /// of them unless <see cref="BindAddresses"/> contains it. Peers there are reached through a root. Default: none.
    /// </summary>
    public IReadOnlyList<IPNetwork> BlockedNetworks { get; init; } = [];

    /// <summary>
    /// Prefixes of the names of network interfaces that the node does not use, such as <c>docker</c> or <c>veth</c>; case-insensitive,
    /// without effect on <see cref="BindAddresses"/>. Interfaces whose name begins with <c>lo</c>, <c>zt</c>, <c>tun</c> or <c>tap</c> are
    /// never used. Default: none.
    /// </summary>
    public IReadOnlyList<string> BlockedInterfaces { get; init; } = [];

    /// <summary>
    /// A TCP relay, for networks that block UDP: after 15 seconds without a packet from a root by UDP, packets to IPv4 addresses are sent
    /// through it, until a root is heard by UDP again. The relay's operator sees which addresses communicate, but not the content. Your own
    /// root can be a relay (<see cref="TcpRelayListen"/>); ZeroTier's, for nodes that use its public roots, is 204.80.128.1:443. Default:
    /// null, none.
    /// </summary>
    public IPEndPoint? TcpRelay { get; init; }

    /// <summary>
    /// The TCP endpoint on which a root accepts connections of nodes that use it as their <see cref="TcpRelay"/>: up to 1,024, and up to 64
    /// from one IPv4 address or one IPv6 /64. It forwards nothing to third parties. Without effect on a node that is not a root of its
    /// planet. Default: null, none.
    /// </summary>
    public IPEndPoint? TcpRelayListen { get; init; }

    /// <summary>
    /// Physical networks in which frames between members are neither encrypted nor authenticated, at most 16. All nodes in them must be
    /// configured alike. Relayed packets, and all packets to and from roots, stay encrypted. A warning is logged at the start. Default:
    /// none.
    /// </summary>
    public IReadOnlyList<TrustedPath> TrustedPaths { get; init; } = [];

    /// <summary>
    /// Networks to join at the first start, in this order, besides those of <see cref="RejoinsNetworks"/>. Default: none.
    /// </summary>
    public IReadOnlyList<NetworkId> Networks { get; init; } = [];

    /// <summary>
    /// Whether networks in the storage folder, which an earlier run has joined and not left, are joined again. With false, only those of
    /// <see cref="Networks"/> are joined, as for hosts that are configured declaratively. Default true.
    /// </summary>
    public bool RejoinsNetworks { get; init; } = true;

    /// <summary>
    /// Whether globally routable addresses assigned by a controller, and routes to such addresses, are accepted. They attract traffic that
    /// is meant for the public Internet, so set it only if all controllers of the node are trusted with that. Default false, like
    /// ZeroTierOne's <c>allowGlobal</c>.
    /// </summary>
    public bool AllowGlobalAddresses { get; init; }

    /// <summary>
    /// Whether default routes (0.0.0.0/0, ::/0) assigned by a controller are accepted, which send packets for all addresses without a more
    /// specific route to that network's gateway. Default false, like ZeroTierOne's <c>allowDefault</c>.
    /// </summary>
    public bool AllowDefaultRoutes { get; init; }

    /// <summary>
    /// How long no root may have been heard before the node reports itself offline, 1 second or more. Default 30 seconds.
    /// </summary>
    public TimeSpan ActivityTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Whether peers and their paths are stored, for a faster next start. Without effect if there is no folder for them. Default true.
    /// </summary>
    public bool PersistPeers { get; init; } = true;

    /// <summary>
    /// The folder in which peers are stored, for a node whose identity is stored elsewhere, such as a root. Default: null, the storage
    /// folder.
    /// </summary>
    public string? PeersPath { get; init; }

    /// <summary>
    /// Bytes of memory that all TCP connections of the node may use together: data that is unsent, unacknowledged, out of order or unread,
    /// and 16 KiB for each connection itself; 1 MiB or more. When they are used up, new connections are refused, each connection is limited
    /// to 32 KiB in each direction, and after some seconds the largest of those connections that exceed this limit and make no progress are
    /// reset; all this is logged and counted. Default: null, a quarter of the memory that the process may use.
    /// </summary>
    public long? MaxTotalBufferSize { get; init; }

    /// <summary>
    /// The congestion control algorithm of the node's TCP connections, as senders. Default: <see cref="CongestionControl.Bbr"/>.
    /// </summary>
    public CongestionControl CongestionControl { get; init; } = CongestionControl.Bbr;

    /// <summary>
    /// Resolves host names defined by the application: returns an address on a network or <c>NODE.NETWORK.zt</c>, or null for an unknown
    /// name. These names take precedence over the names of networks. Called on any thread, at each look-up of a name. Default: null, none.
    /// </summary>
    public Func<string, string?>? FindHost { get; init; }

    /// <summary>
    /// The pcapng file to which the frames of all networks are captured, from the first start until the node is disposed of. Only its owner
    /// may read it. An older capture is replaced; if there is any other file, the start fails. Default: null, no capture. To capture
    /// later, call <see cref="ManagedNode.StartCaptureAsync(string, CaptureOptions, CancellationToken)"/>.
    /// </summary>
    public string? CapturePath { get; init; }

    /// <summary>
    /// The maximum size in bytes of the file at <see cref="CapturePath"/>, 4,096 or more; the capture ends before it would exceed this
    /// size. Default 67,108,864 (64 MiB).
    /// </summary>
    public long MaxCaptureSize { get; init; } = new CaptureOptions().MaxSize;

    /// <summary>The clock and the timers. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>The random numbers. Default: the system's cryptographic generator, the only one suitable for real networks.</summary>
    public RandomSource RandomSource { get; init; } = RandomSource.System;

    /// <summary>
    /// Opens the transport for physical datagrams. Called at each start; the node disposes of the result. Default: null, UDP sockets.
    /// </summary>
    public Func<IDatagramTransport>? DatagramTransportFactory { get; init; }

    /// <summary>
    /// The controller that runs in this node, for the networks whose IDs begin with the node's address. Its exceptions are caught and
    /// logged. The caller disposes of it, after the node. Default: null, none.
    /// </summary>
    public INetworkController? Controller { get; init; }

    /// <summary>
    /// Runs the callbacks and continuations of users of the node, such as completed tasks and events. Default: the thread pool. With the
    /// inline scheduler, a simulation runs on one thread.
    /// </summary>
    public PipeScheduler Scheduler { get; init; } = PipeScheduler.ThreadPool;

    /// <summary>The factory of the node's loggers. Default: no logging.</summary>
    public ILoggerFactory LoggerFactory { get; init; } = NullLoggerFactory.Instance;
}
