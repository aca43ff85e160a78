using System.Net;
using ZeroTier.Managed;

namespace ZeroTier.Hosting;

/// <summary>
/// How a process takes part in ZeroTier networks. First bound from the configuration section <c>ZeroTier</c>, then changed by code, then
/// validated at start; after that, only <see cref="Networks"/>, <see cref="Hosts"/>, <see cref="CapturePath"/> and
/// <see cref="MaxCaptureSize"/> follow changes of the configuration. The derived class <c>ZeroTierOptions</c> of package
/// Kestrel.Transport.ZeroTier adds the options of web apps, such as endpoints.
/// </summary>
/// <remarks>
/// In the configuration every scalar property of this class and of <see cref="Transport"/> is a setting of the same name. Lists are arrays
/// or one comma-separated string.
/// </remarks>
public class ZeroTierNodeOptions
{
    /// <summary>The configuration section that these options are bound from.</summary>
    public const string SectionName = "ZeroTier";

    /// <summary>
    /// Whether a node is started. If false, neither the node nor its endpoints are started: connecting fails with an error that says so,
    /// and a web app is served at its URLs as without this package. Default true. The <c>TestServer</c> of <c>WebApplicationFactory</c>
    /// serves no endpoints, so no node is started under it either.
    /// </summary>
    public bool Enabled { get; set; } = true;

    /// <summary>
    /// The networks to join at start, each as sixteen hexadecimal digits; networks joined in an earlier run are not joined again unless
    /// listed. Default: none, which means the development network when the environment is Development, and is an error elsewhere.
    /// </summary>
    public IList<string> Networks { get; } = [];

    /// <summary>
    /// The folder of this node's identity and state; created if missing, accessible to its owner only. The identity is a secret key and
    /// must be unique: only one node at a time can use a folder. A read-only folder, such as a mounted secret, must contain the identity;
    /// all other state is then kept in memory. With <c>:memory:</c> nothing is written: the node has the identity of
    /// <see cref="IdentitySecret"/>, or a new one at each start of the process. Default: <c>:memory:</c> with an
    /// <see cref="IdentitySecret"/>, else a folder named after the application in the user's local application data.
    /// </summary>
    public string? StoragePath { get; set; }

    /// <summary>
    /// The identity itself, as the text of a file <c>identity.secret</c>, for example from a secret store or the environment
    /// (<c>ZeroTier__IdentitySecret</c>). Whoever knows it can impersonate this node: it is never logged, stored or displayed. Cannot be
    /// combined with a folder in <see cref="StoragePath"/>. Default: none, which means the identity of the storage folder.
    /// </summary>
    public string? IdentitySecret { get; set; }

    /// <summary>
    /// The UDP port of the node on the host, 0 to 65535. 0 uses the port of the last run, which is kept in the storage folder, or a random
    /// one in the first run. Default 0.
    /// </summary>
    public int Port { get; set; }

    /// <summary>
    /// A planet file, which lists the roots to use. Default: none, which means the public roots of ZeroTier. Cannot be combined with
    /// <see cref="UseDevelopmentNetwork()"/>.
    /// </summary>
    public string? PlanetPath { get; set; }

    /// <summary>
    /// Confirms that the public roots of ZeroTier are intended: otherwise their use outside Development is logged as a warning. Cannot be
    /// combined with <see cref="PlanetPath"/>. Default false.
    /// </summary>
    public bool PublicRoots { get; set; }

    /// <summary>The implementation of the node. Default <see cref="ZeroTierEngine.Auto"/>.</summary>
    public ZeroTierEngine Engine { get; set; }

    /// <summary>
    /// The native library libzt: the file, or its folder. Default: none, which means the path in the environment variable
    /// <c>LIBZT_PATH</c>, else <c>runtimes/RID/native</c> in the application's folder, that folder itself, and the search path of the
    /// system's loader. Ignored by the managed engine.
    /// </summary>
    public string? LibztPath { get; set; }

    /// <summary>
    /// Whether default routes assigned by a controller are used: traffic to every address that is on no other network then goes to that
    /// network's gateway. Managed engine. Default false.
    /// </summary>
    public bool AllowDefaultRoutes { get; set; }

    /// <summary>
    /// Whether globally routable addresses assigned by a controller, and routes to such addresses, are used. They divert traffic meant for
    /// the public Internet to the network. Managed engine. Default false.
    /// </summary>
    public bool AllowGlobalAddresses { get; set; }

    /// <summary>
    /// The congestion control algorithm of TCP connections. Managed engine. Default <see cref="CongestionControl.Bbr"/>.
    /// </summary>
    public CongestionControl CongestionControl { get; set; } = CongestionControl.Bbr;

    /// <summary>
    /// Moons: sets of additional roots, at most 16. In the configuration each is a moon file (<c>/etc/myapp/000000deadbeef00.moon</c>), or
    /// the ID of a moon and one of its roots, from which it is fetched (<c>deadbeef00@8056c2e21c</c>). Managed engine. Default: none.
    /// </summary>
    public IList<MoonOrbit> Moons { get; } = [];

    /// <summary>
    /// Physical networks on which the node never uses direct paths, such as <c>10.8.0.0/16</c>; peers there are reached through a root.
    /// Managed engine. Default: none.
    /// </summary>
    public IList<IPNetwork> BlockedNetworks { get; } = [];

    /// <summary>
    /// Prefixes of the names of network interfaces that the node does not use, such as <c>docker</c>. Managed engine. Default: none.
    /// </summary>
    public IList<string> BlockedInterfaces { get; } = [];

    /// <summary>
    /// A TCP relay for networks that block UDP, such as <c>203.0.113.5:8443</c>, used while no root answers over UDP. A self-hosted root
    /// can be one (<c>zt root --tcp-relay</c>); ZeroTier's own, for its public roots, is <c>204.80.128.1:443</c>. Managed engine. Default:
    /// none.
    /// </summary>
    public IPEndPoint? TcpRelay { get; set; }

    /// <summary>
    /// The local endpoint at which a node that is a root accepts TCP connections from nodes that have it as their <see cref="TcpRelay"/>,
    /// such as <c>0.0.0.0:8443</c>. No effect on a node that is not a root of its planet. Managed engine. Default: none.
    /// </summary>
    public IPEndPoint? TcpRelayListen { get; set; }

    /// <summary>
    /// The file to which the frames of the node's networks are captured, in the format pcapng (Wireshark). Only its owner can read it. An
    /// existing capture is replaced, any other existing file is not. If the capture cannot be started, a warning is logged and the node
    /// runs without it. A change at run time ends the capture and starts one to the new file, if any. Managed engine. Default: none, which
    /// captures nothing.
    /// </summary>
    public string? CapturePath { get; set; }

    /// <summary>
    /// The maximum size of the file <see cref="CapturePath"/> in bytes, 4,096 or more. The capture ends when it is reached. Default
    /// 67,108,864 (64 MiB).
    /// </summary>
    public long MaxCaptureSize { get; set; } = new CaptureOptions().MaxSize;

    /// <summary>
    /// Host names that this node resolves, such as <c>orders</c>, as in a hosts file. The value is an address on a network,
    /// <c>NODE.NETWORK.zt</c>, or a node ID if there is only one network. They take precedence over names of networks. Default: none.
    /// </summary>
    public IDictionary<string, string> Hosts { get; } = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);

    /// <summary>
    /// How long start-up waits for the node to be online and every network to be ready; then it fails with an error that says what is not
    /// ready. More than zero, at most one day. Default: null, which does not wait: the node becomes ready after start-up.
    /// </summary>
    public TimeSpan? RequireReadyWithin { get; set; }

    /// <summary>
    /// Buffers, queues and scheduling of connections. In the configuration these are settings of the section itself, such as
    /// <c>ZeroTier:Backlog</c>.
    /// </summary>
    public ZeroTierTransportOptions Transport { get; } = new();

    /// <summary>The names of the settings that are set and that only the managed engine supports: libzt does not start with them.</summary>
    internal IEnumerable<string> ManagedOnly => new[]
    {
        (AllowDefaultRoutes, nameof(AllowDefaultRoutes)),
        (AllowGlobalAddresses, nameof(AllowGlobalAddresses)),
        (CongestionControl != CongestionControl.Bbr, nameof(CongestionControl)),
        (Moons.Count > 0, nameof(Moons)),
        (BlockedNetworks.Count > 0, nameof(BlockedNetworks)),
        (BlockedInterfaces.Count > 0, nameof(BlockedInterfaces)),
        (TcpRelay is not null, nameof(TcpRelay)),
        (TcpRelayListen is not null, nameof(TcpRelayListen)),
        (CapturePath is not null, nameof(CapturePath)),
    }.Where(setting => setting.Item1).Select(setting => setting.Item2);

    internal bool DevelopmentNetworkRequested { get; private set; }

    internal string? DevelopmentNetworkPath { get; private set; }

    /// <summary>
    /// The configuration sets DevelopmentNetwork to false: then neither the path of a development network in the configuration nor the
    /// environment Development selects it.
    /// </summary>
    internal bool DevelopmentNetworkRefused { get; set; }

    internal bool DevelopmentNetworkSelected { get; set; }

    /// <summary>The node hosts a network controller: it needs the managed engine, and Networks may be empty.</summary>
    internal bool CarriesController { get; set; }

    /// <summary>A configuration section whose name looks like a misspelling of <see cref="SectionName"/>; null for none.</summary>
    internal string? MisspeltSection { get; set; }

    /// <summary>The reader of the configuration section, with the errors found in it; null when the host has no configuration.</summary>
    internal SectionReader? Section { get; set; }

    /// <summary>The message about <see cref="MisspeltSection"/>; null when there is none.</summary>
    internal string? MisspeltSectionMessage => MisspeltSection is { } section
        ? $"The configuration has a section '{section}', which is not read. If it is meant for ZeroTier, its name must be '{SectionName}'."
        : null;

    /// <summary>
    /// Uses the development network: a private root on loopback UDP that other processes of the same user find and join. Nothing is sent
    /// outside the machine. The default when no network is configured and the environment is Development.
    /// </summary>
    public virtual ZeroTierNodeOptions UseDevelopmentNetwork()
    {
        DevelopmentNetworkRequested = true;
        return this;
    }

    /// <summary>Uses the development network of a folder: processes that use the same folder are on the same network.</summary>
    /// <param name="path">The folder; created if missing, accessible to its owner only.</param>
    public virtual ZeroTierNodeOptions UseDevelopmentNetwork(string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        DevelopmentNetworkPath = path;
        return UseDevelopmentNetwork();
    }
}
