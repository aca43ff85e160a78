using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier;

/// <summary>
/// How this process takes part in ZeroTier networks. Bound from the configuration section <c>ZeroTier</c> first, then changed by code, then checked at
/// start; from then on changes have no effect.
/// </summary>
/// <remarks>
/// Configuration knows every scalar below, and those of <see cref="Transport"/> and <see cref="Health"/>, by its name, <c>Networks</c> as a list or as one
/// comma-separated text, and <c>Listen</c> as a list whose entries are a port (<c>8080</c>), a network and a port (<c>ff1f90ffff000000.zt:8080</c>), or an
/// address and a port (<c>10.147.17.5:8080</c>).
/// </remarks>
public sealed class ZeroTierOptions
{
    /// <summary>The configuration section that these options are bound from.</summary>
    public const string SectionName = "ZeroTier";

    /// <summary>
    /// Whether a node runs at all. False leaves it and its endpoints out: the application is served at its URLs as without this package, and health says so.
    /// Default true. Under the <c>TestServer</c> of <c>WebApplicationFactory</c>, which serves no endpoints, no node runs either.
    /// </summary>
    public bool Enabled { get; set; } = true;

    /// <summary>
    /// The networks to join at start, each as sixteen hexadecimal digits; no others are, whatever was joined in an earlier run. Default: none, which means the development network when the environment is
    /// Development, and is an error elsewhere.
    /// </summary>
    public IList<string> Networks { get; } = [];

    /// <summary>
    /// The folder of this node's identity and state, made when missing, for the owner only. The identity is a secret key and must be unique: one node at a
    /// time uses a folder. A folder that can only be read, such as a mounted secret, must hold the identity; the rest is then kept in memory. <c>:memory:</c>
    /// writes nothing: the node has the identity of <see cref="IdentitySecret"/>, or a new one at each start of the process. Default: <c>:memory:</c> with an
    /// <see cref="IdentitySecret"/>, else a folder named after the application in the user's local application data.
    /// </summary>
    public string? StoragePath { get; set; }

    /// <summary>
    /// The identity itself, the text of a file <c>identity.secret</c>, for example from a secret store or the environment (<c>ZeroTier__IdentitySecret</c>). Whoever
    /// knows it can be this node: it is never logged, stored or shown. Not together with a folder in <see cref="StoragePath"/>. Default: none, which means the
    /// identity of the storage folder.
    /// </summary>
    public string? IdentitySecret { get; set; }

    /// <summary>The UDP port that ZeroTier's own packets use on the host, 0 to 65535; 0 takes that of the last run, which the storage folder keeps, at first a random one. Default 0.</summary>
    public int Port { get; set; }

    /// <summary>A planet file with the roots to use. Default: none, which means the public roots of ZeroTier. Not together with <see cref="UseDevelopmentNetwork()"/>.</summary>
    public string? PlanetPath { get; set; }

    /// <summary>
    /// Says that the public roots of ZeroTier are meant: without it, a warning outside Development says that they are used. Not together with
    /// <see cref="PlanetPath"/>. Default false.
    /// </summary>
    public bool PublicRoots { get; set; }

    /// <summary>The implementation of the node. Default <see cref="ZeroTierEngine.Auto"/>.</summary>
    public ZeroTierEngine Engine { get; set; }

    /// <summary>
    /// The native library libzt: a file, or the folder with it. Default: none, which means where the environment variable <c>LIBZT_PATH</c> says, else
    /// <c>runtimes/RID/native</c> beside the application, the application's folder, and the places of the system's loader. The managed engine ignores it.
    /// </summary>
    public string? LibztPath { get; set; }

    /// <summary>
    /// Binds the application's URLs (<c>ASPNETCORE_URLS</c>, <c>ASPNETCORE_HTTP_PORTS</c>, <c>UseUrls</c>) on the host beside the ZeroTier endpoints.
    /// Default false: once a ZeroTier endpoint is configured they are left out, and one log line names them. Endpoints that are configured on Kestrel in code
    /// or in <c>Kestrel:Endpoints</c> stay in either case.
    /// </summary>
    public bool KeepHostUrls { get; set; }

    /// <summary>
    /// Moves every IP endpoint of the application to the virtual network; nothing listens on the host's addresses any more. Unix sockets and named pipes stay.
    /// Needs exactly one network. Wins over <see cref="KeepHostUrls"/>. Default false.
    /// </summary>
    public bool TakeAllEndpoints { get; set; }

    /// <summary>
    /// How long start-up waits for the node to be online and every network to be ready before it fails with the reason; more than zero, a day at most. Default: null,
    /// which starts at once and becomes ready later.
    /// </summary>
    public TimeSpan? RequireReadyWithin { get; set; }

    /// <summary>Memory, queues and threads of connections. In the configuration these are settings of the section itself, such as <c>ZeroTier:Backlog</c>.</summary>
    public ZeroTierTransportOptions Transport { get; } = new();

    /// <summary>When the health check is not content. In the configuration these are settings of the section itself, such as <c>ZeroTier:RequireDirect</c>.</summary>
    public ZeroTierHealthOptions Health { get; } = new();

    internal IList<ListenEntry> ListenEntries { get; } = [];

    internal bool DevelopmentNetworkRequested { get; private set; }

    internal string? DevelopmentNetworkPath { get; private set; }

    /// <summary>The configuration says no: neither its own path nor the environment chooses the development network then.</summary>
    internal bool DevelopmentNetworkRefused { get; set; }

    internal bool DevelopmentNetworkSelected { get; set; }

    /// <summary>A section of the configuration whose name is nearly that of ours, which nothing reads.</summary>
    internal string? MisspeltSection { get; set; }

    /// <summary>Texts of the configuration section that could not be understood, with the remedy; reported at start with everything else.</summary>
    internal IList<string> ConfigurationErrors { get; } = [];

    /// <summary>What to say about <see cref="MisspeltSection"/>.</summary>
    internal string? MisspeltSectionMessage => MisspeltSection is { } section
        ? $"The configuration has a section '{section}', which is not read. If it is meant for ZeroTier, its name must be '{SectionName}'."
        : null;

    /// <summary>Serves on a port of every network in <see cref="Networks"/>.</summary>
    /// <param name="port">1 to 65535, or 0 for one that is chosen at start.</param>
    public ZeroTierOptions Listen(int port) => Add(new ListenEntry(null, null, port, null));

    /// <summary>Serves on a port of every network in <see cref="Networks"/>.</summary>
    /// <param name="port">1 to 65535, or 0 for one that is chosen at start.</param>
    /// <param name="configure">Protocols, TLS and connection middleware, as for any Kestrel endpoint. HTTP/3 is refused.</param>
    public ZeroTierOptions Listen(int port, Action<ListenOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        return Add(new ListenEntry(null, null, port, configure));
    }

    /// <summary>Serves on a port of one network.</summary>
    /// <param name="network">The network; it must be in <see cref="Networks"/> too.</param>
    /// <param name="port">1 to 65535, or 0 for one that is chosen at start.</param>
    public ZeroTierOptions Listen(NetworkId network, int port) => Listen(network.ToString(), port);

    /// <summary>Serves on a port of one network.</summary>
    /// <param name="network">The network; it must be in <see cref="Networks"/> too.</param>
    /// <param name="port">1 to 65535, or 0 for one that is chosen at start.</param>
    /// <param name="configure">Protocols, TLS and connection middleware, as for any Kestrel endpoint. HTTP/3 is refused.</param>
    public ZeroTierOptions Listen(NetworkId network, int port, Action<ListenOptions> configure) => Listen(network.ToString(), port, configure);

    /// <summary>Serves on a port of one of this node's addresses.</summary>
    /// <param name="network">The network; it must be in <see cref="Networks"/> too.</param>
    /// <param name="address">An address that this node has or will get on that network.</param>
    /// <param name="port">1 to 65535, or 0 for one that is chosen at start.</param>
    public ZeroTierOptions Listen(NetworkId network, IPAddress address, int port) => Listen(network.ToString(), address, port);

    /// <summary>Serves on a port of one of this node's addresses.</summary>
    /// <param name="network">The network; it must be in <see cref="Networks"/> too.</param>
    /// <param name="address">An address that this node has or will get on that network.</param>
    /// <param name="port">1 to 65535, or 0 for one that is chosen at start.</param>
    /// <param name="configure">Protocols, TLS and connection middleware, as for any Kestrel endpoint. HTTP/3 is refused.</param>
    public ZeroTierOptions Listen(NetworkId network, IPAddress address, int port, Action<ListenOptions> configure) => Listen(network.ToString(), address, port, configure);

    /// <summary>Serves on a port of one network.</summary>
    /// <param name="network">The network, as sixteen hexadecimal digits; it must be in <see cref="Networks"/> too.</param>
    /// <param name="port">1 to 65535, or 0 for one that is chosen at start.</param>
    public ZeroTierOptions Listen(string network, int port)
    {
        ArgumentNullException.ThrowIfNull(network);
        return Add(new ListenEntry(network, null, port, null));
    }

    /// <summary>Serves on a port of one network.</summary>
    /// <param name="network">The network, as sixteen hexadecimal digits; it must be in <see cref="Networks"/> too.</param>
    /// <param name="port">1 to 65535, or 0 for one that is chosen at start.</param>
    /// <param name="configure">Protocols, TLS and connection middleware, as for any Kestrel endpoint. HTTP/3 is refused.</param>
    public ZeroTierOptions Listen(string network, int port, Action<ListenOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(configure);
        return Add(new ListenEntry(network, null, port, configure));
    }

    /// <summary>Serves on a port of one of this node's addresses.</summary>
    /// <param name="network">The network, as sixteen hexadecimal digits; it must be in <see cref="Networks"/> too.</param>
    /// <param name="address">An address that this node has or will get on that network.</param>
    /// <param name="port">1 to 65535, or 0 for one that is chosen at start.</param>
    public ZeroTierOptions Listen(string network, IPAddress address, int port)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(address);
        return Add(new ListenEntry(network, address, port, null));
    }

    /// <summary>Serves on a port of one of this node's addresses.</summary>
    /// <param name="network">The network, as sixteen hexadecimal digits; it must be in <see cref="Networks"/> too.</param>
    /// <param name="address">An address that this node has or will get on that network.</param>
    /// <param name="port">1 to 65535, or 0 for one that is chosen at start.</param>
    /// <param name="configure">Protocols, TLS and connection middleware, as for any Kestrel endpoint. HTTP/3 is refused.</param>
    public ZeroTierOptions Listen(string network, IPAddress address, int port, Action<ListenOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(address);
        ArgumentNullException.ThrowIfNull(configure);
        return Add(new ListenEntry(network, address, port, configure));
    }

    /// <summary>
    /// Uses the development network: a private root on loopback UDP that other processes of the same user find and join. Nothing is sent outside the
    /// machine. The default when no network is configured and the environment is Development.
    /// </summary>
    public ZeroTierOptions UseDevelopmentNetwork()
    {
        DevelopmentNetworkRequested = true;
        return this;
    }

    /// <summary>Uses the development network of a folder: processes with the same folder are on the same network.</summary>
    /// <param name="path">The folder; made when missing, for the owner only.</param>
    public ZeroTierOptions UseDevelopmentNetwork(string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        DevelopmentNetworkPath = path;
        return UseDevelopmentNetwork();
    }

    private ZeroTierOptions Add(ListenEntry entry)
    {
        ListenEntries.Add(entry);
        return this;
    }
}
