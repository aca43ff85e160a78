using System.Net;
using ZeroTier.Managed;

namespace ZeroTier.Hosting;

/// <summary>
/// How a process takes part in ZeroTier networks. Bound from the configuration section <c>ZeroTier</c> first, then changed by code, then
/// checked at start; from then on only <see cref="Networks"/>, <see cref="Hosts"/> and <see cref="CapturePath"/> follow, when the
/// configuration changes. What a web app needs beside, such as endpoints, has <c>ZeroTierOptions</c> of package Kestrel.Transport.ZeroTier,
/// which these are the base of.
/// </summary>
/// <remarks>
/// Configuration knows every scalar below, and those of <see cref="Transport"/>, by its name, and lists as such or as one comma-separated
/// text.
/// </remarks>
public class ZeroTierNodeOptions
{
    /// <summary>The configuration section that these options are bound from.</summary>
    public const string SectionName = "ZeroTier";

    /// <summary>
    /// Whether a node runs at all. False leaves it and its endpoints out: calls on its networks fail with the reason, and a web app is
    /// served at its URLs as without this package. Default true. Under the <c>TestServer</c> of <c>WebApplicationFactory</c>, which serves
    /// no endpoints, no node runs either.
    /// </summary>
    public bool Enabled { get; set; } = true;

    /// <summary>
    /// The networks to join at start, each as sixteen hexadecimal digits; no others are, whatever was joined in an earlier run. Default:
    /// none, which means the development network when the environment is Development, and is an error elsewhere.
    /// </summary>
    public IList<string> Networks { get; } = [];

    /// <summary>
    /// The folder of this node's identity and state, made when missing, for the owner only. The identity is a secret key and must be
    /// unique: one node at a time uses a folder. A folder that can only be read, such as a mounted secret, must hold the identity; the rest
    /// is then kept in memory. <c>:memory:</c> writes nothing: the node has the identity of <see cref="IdentitySecret"/>, or a new one at
    /// each start of the process. Default: <c>:memory:</c> with an <see cref="IdentitySecret"/>, else a folder named after the application
    /// in the user's local application data.
    /// </summary>
    public string? StoragePath { get; set; }

    /// <summary>
    /// The identity itself, the text of a file <c>identity.secret</c>, for example from a secret store or the environment
    /// (<c>ZeroTier__IdentitySecret</c>). Whoever knows it can be this node: it is never logged, stored or shown. Not together with a
    /// folder in <see cref="StoragePath"/>. Default: none, which means the identity of the storage folder.
    /// </summary>
    public string? IdentitySecret { get; set; }

    /// <summary>
    /// The UDP port that ZeroTier's own packets use on the host, 0 to 65535; 0 takes that of the last run, which the storage folder keeps,
    /// at first a random one. Default 0.
    /// </summary>
    public int Port { get; set; }

    /// <summary>
    /// A planet file with the roots to use. Default: none, which means the public roots of ZeroTier. Not together with
    /// <see cref="UseDevelopmentNetwork()"/>.
    /// </summary>
    public string? PlanetPath { get; set; }

    /// <summary>
    /// Says that the public roots of ZeroTier are meant: without it, a warning outside Development says that they are used. Not together
    /// with <see cref="PlanetPath"/>. Default false.
    /// </summary>
    public bool PublicRoots { get; set; }

    /// <summary>The implementation of the node. Default <see cref="ZeroTierEngine.Auto"/>.</summary>
    public ZeroTierEngine Engine { get; set; }

    /// <summary>
    /// The native library libzt: a file, or the folder with it. Default: none, which means where the environment variable <c>LIBZT_PATH</c>
    /// says, else <c>runtimes/RID/native</c> beside the application, the application's folder, and the places of the system's loader. The
    /// managed engine ignores it.
    /// </summary>
    public string? LibztPath { get; set; }

    /// <summary>
    /// Whether default routes that a controller assigns are used: then every address that is on no other network goes to that network's
    /// gateway. Managed engine. Default false.
    /// </summary>
    public bool AllowDefaultRoutes { get; set; }

    /// <summary>
    /// Whether globally routable addresses that a controller assigns are taken, and routes to such addresses: they draw in what is meant
    /// for the public Internet. Managed engine. Default false.
    /// </summary>
    public bool AllowGlobalAddresses { get; set; }

    /// <summary>
    /// What decides how much TCP connections have in flight. Managed engine. Default <see cref="CongestionControl.Cubic"/>.
    /// </summary>
    public CongestionControl CongestionControl { get; set; }

    /// <summary>
    /// More roots beside the planet's, at most 16. In the configuration a file of a moon (<c>/etc/myapp/000000deadbeef00.moon</c>), or a
    /// moon's number and one of its roots, which hands it out (<c>deadbeef00@8056c2e21c</c>). Managed engine. Default: none.
    /// </summary>
    public IList<MoonOrbit> Moons { get; } = [];

    /// <summary>
    /// Physical networks that the node never uses, such as <c>10.8.0.0/16</c>; peers there are reached through a root. Managed engine.
    /// Default: none.
    /// </summary>
    public IList<IPNetwork> BlockedNetworks { get; } = [];

    /// <summary>
    /// Begins of the names of network interfaces that the node does not use, such as <c>docker</c>. Managed engine. Default: none.
    /// </summary>
    public IList<string> BlockedInterfaces { get; } = [];

    /// <summary>
    /// A TCP relay for networks that let no UDP through, such as <c>203.0.113.5:8443</c>, used while no root is heard by UDP. A root of
    /// one's own is one (<c>zt root --tcp-relay</c>); that of ZeroTier, for its public roots, is <c>204.80.128.1:443</c>. Managed engine.
    /// Default: none.
    /// </summary>
    public IPEndPoint? TcpRelay { get; set; }

    /// <summary>
    /// Where a node that is a root takes nodes by TCP, those that have it as their <see cref="TcpRelay"/>, such as <c>0.0.0.0:8443</c>.
    /// Without effect on a node that is no root of its planet. Managed engine. Default: none.
    /// </summary>
    public IPEndPoint? TcpRelayListen { get; set; }

    /// <summary>
    /// A file to capture the frames of the node's networks to, as long as the setting names one: pcapng, for Wireshark. Only its owner may
    /// read it; an older capture is replaced, nothing else is. A capture that cannot be made is a warning, and the node runs without it.
    /// Followed at run time: a change ends the capture and begins the next one. Managed engine. Default: none.
    /// </summary>
    public string? CapturePath { get; set; }

    /// <summary>
    /// Bytes that the file of <see cref="CapturePath"/> may have, 4,096 or more; then the capture ends. Default 67,108,864 (64 MiB).
    /// </summary>
    public long MaxCaptureSize { get; set; } = new CaptureOptions().MaxSize;

    /// <summary>
    /// Names of hosts for this node's own calls, such as <c>orders</c>, with what each stands for: an address on a network,
    /// <c>NODE.NETWORK.zt</c>, or a node where there is one network. They come before the names of networks. Default: none.
    /// </summary>
    public IDictionary<string, string> Hosts { get; } = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);

    /// <summary>
    /// How long start-up waits for the node to be online and every network to be ready before it fails with the reason; more than zero, a
    /// day at most. Default: null, which starts at once and becomes ready later.
    /// </summary>
    public TimeSpan? RequireReadyWithin { get; set; }

    /// <summary>
    /// Memory, queues and threads of connections. In the configuration these are settings of the section itself, such as
    /// <c>ZeroTier:Backlog</c>.
    /// </summary>
    public ZeroTierTransportOptions Transport { get; } = new();

    /// <summary>The settings in use that only the managed engine knows and that must not be ignored.</summary>
    internal IEnumerable<string> ManagedOnly => new[]
    {
        (AllowDefaultRoutes, nameof(AllowDefaultRoutes)),
        (AllowGlobalAddresses, nameof(AllowGlobalAddresses)),
        (CongestionControl != default, nameof(CongestionControl)),
        (Moons.Count > 0, nameof(Moons)),
        (BlockedNetworks.Count > 0, nameof(BlockedNetworks)),
        (BlockedInterfaces.Count > 0, nameof(BlockedInterfaces)),
        (TcpRelay is not null, nameof(TcpRelay)),
        (TcpRelayListen is not null, nameof(TcpRelayListen)),
        (CapturePath is not null, nameof(CapturePath)),
    }.Where(setting => setting.Item1).Select(setting => setting.Item2);

    internal bool DevelopmentNetworkRequested { get; private set; }

    internal string? DevelopmentNetworkPath { get; private set; }

    /// <summary>The configuration says no: neither its own path nor the environment chooses the development network then.</summary>
    internal bool DevelopmentNetworkRefused { get; set; }

    internal bool DevelopmentNetworkSelected { get; set; }

    /// <summary>A controller of networks runs in the node: it is a managed one, and has work before any network to join exists.</summary>
    internal bool CarriesController { get; set; }

    /// <summary>A section of the configuration whose name is nearly that of ours, which nothing reads.</summary>
    internal string? MisspeltSection { get; set; }

    /// <summary>The configuration section as it was read, with what was wrong in it; null where the host has no configuration.</summary>
    internal SectionReader? Section { get; set; }

    /// <summary>What to say about <see cref="MisspeltSection"/>.</summary>
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

    /// <summary>Uses the development network of a folder: processes with the same folder are on the same network.</summary>
    /// <param name="path">The folder; made when missing, for the owner only.</param>
    public virtual ZeroTierNodeOptions UseDevelopmentNetwork(string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        DevelopmentNetworkPath = path;
        return UseDevelopmentNetwork();
    }
}
