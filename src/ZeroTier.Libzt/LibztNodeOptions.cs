using System.IO.Pipelines;
using System.Net;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace ZeroTier.Libzt;

/// <summary>Options of a <see cref="LibztNode"/>. Read once, by its constructor.</summary>
public sealed record LibztNodeOptions
{
    /// <summary>
    /// The native library: the file or its folder. Default: the search order of <see cref="LibztLibrary.Load(string?)"/>.
    /// </summary>
    public string? LibraryPath { get; init; }

    /// <summary>
    /// The folder of the node's identity and libzt's caches; created if missing, accessible to its owner only. Only one node at a time can
    /// use it. A read-only folder, such as a mounted secret, must contain the identity; all other state is then kept in memory. Default:
    /// none, the same as <c>:memory:</c>: all state is kept in memory until the node is disposed, and it takes 5 seconds longer to get
    /// addresses.
    /// </summary>
    public string? StoragePath { get; init; }

    /// <summary>
    /// The identity of a node without a storage folder, as the text of a file <c>identity.secret</c>: <c>address:0:public:secret</c>.
    /// Default: a new one, made at the first start.
    /// </summary>
    public string? Identity { get; init; }

    /// <summary>
    /// The roots, as the content of a planet file of at most 4096 bytes. Default: the file <c>planet</c> in the storage folder; without one
    /// the start fails unless <see cref="UsePublicRoots"/> is set.
    /// </summary>
    public ReadOnlyMemory<byte> Planet { get; init; }

    /// <summary>Whether to use ZeroTier's public roots, which are built into libzt, when no planet is given. Default false.</summary>
    public bool UsePublicRoots { get; init; }

    /// <summary>
    /// The UDP port, 0 to 65535; 0 uses the port of the last run, which is kept in the storage folder, or a random one in the first run.
    /// Default 0.
    /// </summary>
    public int Port { get; init; }

    /// <summary>The lowest port that libzt may choose, 1 to 65535; 0 for libzt's own range, 20000 to 45500. Default 0.</summary>
    public int FirstRandomPort { get; init; }

    /// <summary>The highest port that libzt may choose, not lower than <see cref="FirstRandomPort"/>. Default 0.</summary>
    public int LastRandomPort { get; init; }

    /// <summary>
    /// Whether a second UDP port is opened, which helps with some NATs. It differs at each start: peers that use it cannot reach the node
    /// for up to four minutes after a restart. Default false.
    /// </summary>
    public bool AllowSecondaryPort { get; init; }

    /// <summary>Whether the router is asked for a port by UPnP or NAT-PMP; needs <see cref="AllowSecondaryPort"/>. Default false.</summary>
    public bool AllowPortMapping { get; init; }

    /// <summary>
    /// Whether packets may go through a TCP relay while nothing is received over UDP. Default null: yes with the public roots, or when
    /// <see cref="TcpRelay"/> is set; libzt's built-in relay belongs to ZeroTier and is of no use on private roots.
    /// </summary>
    public bool? AllowTcpRelay { get; init; }

    /// <summary>Whether only the TCP relay is used and no UDP. Default false.</summary>
    public bool ForceTcpRelay { get; init; }

    /// <summary>The TCP relay, IPv4 only. Default: libzt's built-in one.</summary>
    public IPEndPoint? TcpRelay { get; init; }

    /// <summary>
    /// Network interfaces of this machine that ZeroTier does not use, by prefixes of their names, 1 to 15 ASCII characters each. Default:
    /// none besides libzt's own (<c>lo</c>, <c>zt</c>, <c>tun</c>, <c>tap</c>).
    /// </summary>
    public IReadOnlyList<string> ExcludedInterfaces { get; init; } = [];

    /// <summary>
    /// Networks to join at the first start, in this order. Other networks in the storage folder are removed from it. Default: none.
    /// </summary>
    public IReadOnlyList<NetworkId> Networks { get; init; } = [];

    /// <summary>
    /// Whether the configurations of joined networks are kept in the storage folder, so that the next start is quick. Default true.
    /// </summary>
    public bool PersistNetworks { get; init; } = true;

    /// <summary>Whether peers are kept in the storage folder. Default true.</summary>
    public bool PersistPeers { get; init; } = true;

    /// <summary>Whether planet updates received from a root are kept in the storage folder. Default true.</summary>
    public bool PersistRoots { get; init; } = true;

    /// <summary>Clock and timers. Default: the system's. libzt's own clock is the system's in any case.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

#pragma warning disable RS0030 // The one place where this assembly takes the system's randomness.
    /// <summary>Randomness for choosing ports; not cryptographic. Thread-safe.</summary>
    internal Random Random { get; init; } = Random.Shared;
#pragma warning restore RS0030

    /// <summary>Runs continuations of the application: completed waits, event subscribers. Default: the thread pool.</summary>
    public PipeScheduler Scheduler { get; init; } = PipeScheduler.ThreadPool;

    /// <summary>Creates the loggers. Default: none.</summary>
    public ILoggerFactory LoggerFactory { get; init; } = NullLoggerFactory.Instance;

    /// <summary>Some of the options; never the identity, which is secret.</summary>
    public override string ToString() =>
        $"{nameof(LibztNodeOptions)} {{ StoragePath = {StoragePath}, Port = {Port}, Networks = {string.Join(", ", Networks)} }}";

    /// <summary>Throws when something is out of its range; the message names it.</summary>
    internal void Check()
    {
        Require(
            Port is >= IPEndPoint.MinPort and <= IPEndPoint.MaxPort,
            $"Port is {Port}; it must be from 0 to 65535, for example 9993, or 0 for any free port.");
        Require(
            FirstRandomPort is >= 0 and <= IPEndPoint.MaxPort
            && LastRandomPort <= IPEndPoint.MaxPort
            && LastRandomPort >= FirstRandomPort
            && (FirstRandomPort > 0 || LastRandomPort == 0),
            $"FirstRandomPort is {FirstRandomPort} and LastRandomPort is {LastRandomPort}; both must be from 1 to 65535, the first not "
            + "higher than the last, or both 0.");
        Require(
            Planet.Length <= MaxPlanetLength,
            $"Planet has {Planet.Length} bytes; libzt takes 1 to {MaxPlanetLength}. Give the content of a planet file.");
        Require(
            StoragePath is null || !string.IsNullOrWhiteSpace(StoragePath),
            "StoragePath is empty. Name a folder, for example /var/lib/myapp/zerotier, or leave it null for a node in memory.");
        Require(
            StoragePath is null || Identity is null,
            "StoragePath and Identity are both set; the identity comes from one of them. Set only one.");
        Require(
            TcpRelay is null || TcpRelay.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork,
            $"TcpRelay is {TcpRelay}; libzt reaches a relay by IPv4 only. Give an IPv4 address and port.");
        Require(!ForceTcpRelay || AllowTcpRelay != false, "ForceTcpRelay is true and AllowTcpRelay is false. Set only one of them.");
        foreach (string prefix in ExcludedInterfaces)
        {
            Require(
                prefix.Length is >= 1 and <= MaxInterfacePrefix && prefix.All(char.IsAscii),
                $"ExcludedInterfaces holds '{prefix}'; each entry must have 1 to {MaxInterfacePrefix} ASCII characters, for example eth1.");
        }
    }

    internal const int MaxPlanetLength = 4096;
    private const int MaxInterfacePrefix = 15;

    private static void Require(bool condition, string message)
    {
        if (!condition)
        {
            throw new ArgumentException(message, "options");
        }
    }
}
