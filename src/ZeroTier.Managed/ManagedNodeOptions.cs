using System.IO.Pipelines;
using System.Net;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace ZeroTier.Managed;

/// <summary>How a <see cref="ManagedNode"/> is built. Read once, by the constructor.</summary>
public sealed record ManagedNodeOptions
{
    /// <summary>
    /// The folder with the node's identity, its joined networks and its peers; made when missing, for the owner only. One node at a time
    /// may use it. A folder that can only be read, such as a mounted secret, must hold the identity; the rest is then kept in memory.
    /// Default: none, or <c>:memory:</c>; the node then lives in memory and forgets everything when disposed.
    /// </summary>
    public string? StoragePath { get; init; }

    /// <summary>The identity of a node without a storage folder; it stays the caller's to dispose. From a text, such as a secret of the
    /// environment: <see cref="NodeIdentity.Parse"/>. Default: a new one, made at the first start.</summary>
    public NodeIdentity? Identity { get; init; }

    /// <summary>
    /// The roots. Default: the file <c>planet</c> in the storage folder; without one the start fails, for no public roots are used by
    /// default. A newer planet that a root handed out wins, where it is a signed update of this one.
    /// </summary>
    public Planet? Planet { get; init; }

    /// <summary>
    /// The moons to use, at most 16 with those of earlier runs, which the storage folder keeps in <c>moons.d</c>: more roots beside the
    /// planet's, for when these are slow or cannot be reached. Default: none.
    /// </summary>
    public IReadOnlyList<MoonOrbit> Moons { get; init; } = [];

    /// <summary>
    /// The UDP port, 0 to 65535; 0 takes that of the last run, which the storage folder keeps, at first a random one; without a folder the
    /// system chooses. Default 0.
    /// </summary>
    public int Port { get; init; }

    /// <summary>
    /// The addresses of this machine to use. Default: none given, which means every address of the machine, also those that it gets or
    /// loses later; or, when the planet's roots all live on loopback, 127.0.0.1 and ::1 only.
    /// </summary>
    public IReadOnlyList<IPAddress> BindAddresses { get; init; } = [];

    /// <summary>
    /// Physical networks that the node never uses: it sends nothing to their addresses, takes nothing from them, and, as long as
    /// <see cref="BindAddresses"/> does not name one, binds none of them. A peer there is reached through a root. Default: none.
    /// </summary>
    public IReadOnlyList<IPNetwork> BlockedNetworks { get; init; } = [];

    /// <summary>
    /// Begins of the names of network interfaces that the node does not use, such as <c>docker</c> or <c>veth</c>, whatever their case;
    /// without effect on <see cref="BindAddresses"/>. Interfaces <c>lo</c>, <c>zt</c>, <c>tun</c> and <c>tap</c> are never used. Default:
    /// none.
    /// </summary>
    public IReadOnlyList<string> BlockedInterfaces { get; init; } = [];

    /// <summary>
    /// A TCP relay, through which packets go to IPv4 addresses while no root is heard by UDP for 15 seconds, and until one is: for networks
    /// that let no UDP through. Whoever runs it sees who talks to whom, and cannot read it. A root of one's own can be one
    /// (<see cref="TcpRelayListen"/>); that of ZeroTier, for nodes on its public roots, is 204.80.128.1:443. Default: none.
    /// </summary>
    public IPEndPoint? TcpRelay { get; init; }

    /// <summary>
    /// Where a node that is a root takes nodes by TCP, those that have it as their <see cref="TcpRelay"/>; up to 1,024, of which 64 from
    /// one IPv4 address or one IPv6 /64. It forwards nothing to third parties. Without effect on a node that is no root of its planet.
    /// Default: none.
    /// </summary>
    public IPEndPoint? TcpRelayListen { get; init; }

    /// <summary>
    /// Physical networks in which frames between members are neither encrypted nor authenticated, at most 16. Each of their nodes must be
    /// configured alike; packets that are relayed, and all to and from roots, stay encrypted. A warning at the start names them. Default:
    /// none.
    /// </summary>
    public IReadOnlyList<TrustedPath> TrustedPaths { get; init; } = [];

    /// <summary>
    /// Networks to join at the first start, in this order, besides those of <see cref="RejoinsNetworks"/>. Default: none.
    /// </summary>
    public IReadOnlyList<NetworkId> Networks { get; init; } = [];

    /// <summary>
    /// Whether networks that an earlier node has joined and not left, which the storage folder remembers, are joined again. Default true;
    /// false makes <see cref="Networks"/> the whole truth, as for hosts that are configured.
    /// </summary>
    public bool RejoinsNetworks { get; init; } = true;

    /// <summary>
    /// Whether globally routable addresses that a controller assigns are taken, and routes to such addresses. They draw in what is meant
    /// for the public Internet: allow it where all controllers of the node are trusted with that. Default false, as ZeroTierOne's
    /// <c>allowGlobal</c>.
    /// </summary>
    public bool AllowGlobalAddresses { get; init; }

    /// <summary>
    /// Whether default routes (0.0.0.0/0, ::/0) that a controller assigns are used: then every address that is on no other network goes to
    /// that network's gateway. Default false, as ZeroTierOne's <c>allowDefault</c>.
    /// </summary>
    public bool AllowDefaultRoutes { get; init; }

    /// <summary>After how long without a word from any root the node calls itself offline, 1 second or more. Default 30 seconds.</summary>
    public TimeSpan ActivityTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Whether peers and their paths are kept for a faster next start. Default true; without a folder for them it has no effect.
    /// </summary>
    public bool PersistPeers { get; init; } = true;

    /// <summary>
    /// The folder in which peers are kept, for a node whose identity lies elsewhere, such as a root. Default: the storage folder.
    /// </summary>
    public string? PeersPath { get; init; }

    /// <summary>
    /// Bytes of memory that all TCP connections of the node may hold together: written and unsent, unacknowledged, out of order, unread,
    /// and 16 KiB for each connection itself; 1 MiB or more. Once they are used up, new connections are refused, each connection keeps to
    /// 32 KiB each way, and after some seconds the largest of those that hold more and do not move are reset; all this is logged and
    /// counted. Default: null, a quarter of the memory that the process may use.
    /// </summary>
    public long? MaxTotalBufferSize { get; init; }

    /// <summary>
    /// What decides how much the TCP connections of the node, as senders, have in flight. Default: <see cref="CongestionControl.Cubic"/>.
    /// </summary>
    public CongestionControl CongestionControl { get; init; } = CongestionControl.Cubic;

    /// <summary>
    /// Names of hosts that the application knows: what one stands for, an address on a network or <c>NODE.NETWORK.zt</c>; null for a name
    /// that is none. They come before the names of networks. Called on any thread, at each look-up of a name. Default: none.
    /// </summary>
    public Func<string, string?>? FindHost { get; init; }

    /// <summary>
    /// The file to capture the frames of all networks to, from the first start until the node is disposed of: pcapng, for Wireshark. Only
    /// its owner may read it; an older capture is replaced, and anything else makes the start fail. Default: none. At run time:
    /// <see cref="ManagedNode.StartCaptureAsync(string, CaptureOptions, CancellationToken)"/>.
    /// </summary>
    public string? CapturePath { get; init; }

    /// <summary>
    /// Bytes that the file of <see cref="CapturePath"/> may have, 4,096 or more; then the capture ends. Default 67,108,864 (64 MiB).
    /// </summary>
    public long MaxCaptureSize { get; init; } = new CaptureOptions().MaxSize;

    /// <summary>Clock and timers. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Random numbers. Default: the system's cryptographic generator, the only one fit for real networks.</summary>
    public RandomSource RandomSource { get; init; } = RandomSource.System;

    /// <summary>Opens the physical network. Called at each start; the node disposes the result. Default: UDP sockets.</summary>
    public Func<IDatagramTransport>? DatagramTransportFactory { get; init; }

    /// <summary>
    /// The controller that runs in this node, for the networks whose IDs begin with the node's address. Its exceptions are logged and do
    /// the node no harm. It is the caller's to dispose of, after the node. Default: none.
    /// </summary>
    public INetworkController? Controller { get; init; }

    /// <summary>
    /// Runs what completes for users of the node: tasks, events. Default: the thread pool. Inline makes a simulation run on one thread.
    /// </summary>
    public PipeScheduler Scheduler { get; init; } = PipeScheduler.ThreadPool;

    /// <summary>Where logs go. Default: nowhere.</summary>
    public ILoggerFactory LoggerFactory { get; init; } = NullLoggerFactory.Instance;
}
