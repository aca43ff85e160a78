using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier;

/// <summary>
/// How a web app takes part in ZeroTier networks, and what it serves there. Bound from the configuration section <c>ZeroTier</c> first,
/// then changed by code, then checked at start; after that, only <see cref="ZeroTierNodeOptions.Networks"/>,
/// <see cref="ZeroTierNodeOptions.Hosts"/>, <see cref="ZeroTierNodeOptions.CapturePath"/>, the endpoints of <c>Listen</c>, access lists and
/// <see cref="Health"/> follow changes of the configuration.
/// </summary>
/// <remarks>
/// In the configuration every scalar property of this class and its base, of <see cref="ZeroTierNodeOptions.Transport"/> and of
/// <see cref="Health"/> is a setting of the same name. Lists are arrays or one comma-separated text. <c>Listen</c> is a list whose entries
/// are a port (<c>8080</c>), a network and a port (<c>ff1f90ffff000000.zt:8080</c>), an address and a port (<c>10.147.17.5:8080</c>), or an
/// object with <c>Port</c> and optionally <c>Network</c>, <c>Address</c>, <c>Https</c> (true serves with the certificate of the node),
/// <c>AllowedNodes</c>, <c>AllowedNetworks</c>, and, as in <c>Kestrel:Endpoints</c>, <c>Protocols</c>, <c>Certificate</c>, <c>Sni</c>,
/// <c>SslProtocols</c> and <c>ClientCertificateMode</c>.
/// </remarks>
public sealed class ZeroTierOptions : ZeroTierNodeOptions
{
    /// <summary>
    /// Binds the application's URLs (<c>ASPNETCORE_URLS</c>, <c>ASPNETCORE_HTTP_PORTS</c>, <c>UseUrls</c>) on the host in addition to the
    /// ZeroTier endpoints. Default false: once a ZeroTier endpoint is configured they are left out, and one log line names them. Endpoints
    /// that are configured on Kestrel in code or in <c>Kestrel:Endpoints</c> stay in either case.
    /// </summary>
    public bool KeepHostUrls { get; set; }

    /// <summary>
    /// Moves every IP endpoint of the application to the virtual network; nothing listens on the host's addresses any more. Unix sockets
    /// and named pipes stay. Needs exactly one network. Takes precedence over <see cref="KeepHostUrls"/>. Default false.
    /// </summary>
    public bool TakeAllEndpoints { get; set; }

    /// <summary>
    /// What makes the readiness health check report Degraded or Unhealthy. In the configuration these are settings of the section itself,
    /// such as <c>ZeroTier:RequireDirect</c>.
    /// </summary>
    public ZeroTierHealthOptions Health { get; } = new();

    /// <summary>
    /// The nodes whose connections are served, on every endpoint; others get a reset before anything is read from them. The managed engine
    /// proves the node; libzt cannot, so there a non-empty list refuses every connection. Default: none, which means every member of the
    /// network.
    /// </summary>
    public IList<NodeId> AllowedNodes { get; } = [];

    /// <summary>The networks whose connections are served, on every endpoint. Default: none, which means all.</summary>
    public IList<NetworkId> AllowedNetworks { get; } = [];

    internal IList<ListenEntry> ListenEntries { get; } = [];

    /// <summary>Serves on a port of every network in <see cref="ZeroTierNodeOptions.Networks"/>.</summary>
    /// <param name="port">1 to 65535, or 0 for one that is chosen at start.</param>
    public ZeroTierOptions Listen(int port) => Add(new ListenEntry(null, null, port, null));

    /// <summary>Serves on a port of every network in <see cref="ZeroTierNodeOptions.Networks"/>.</summary>
    /// <param name="port">1 to 65535, or 0 for one that is chosen at start.</param>
    /// <param name="configure">Protocols, TLS and connection middleware, as for any Kestrel endpoint. HTTP/3 is refused.</param>
    public ZeroTierOptions Listen(int port, Action<ListenOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        return Add(new ListenEntry(null, null, port, configure));
    }

    /// <summary>Serves on a port of one network.</summary>
    /// <param name="network">The network; it must be in <see cref="ZeroTierNodeOptions.Networks"/> too.</param>
    /// <param name="port">1 to 65535, or 0 for one that is chosen at start.</param>
    public ZeroTierOptions Listen(NetworkId network, int port) => Listen(network.ToString(), port);

    /// <summary>Serves on a port of one network.</summary>
    /// <param name="network">The network; it must be in <see cref="ZeroTierNodeOptions.Networks"/> too.</param>
    /// <param name="port">1 to 65535, or 0 for one that is chosen at start.</param>
    /// <param name="configure">Protocols, TLS and connection middleware, as for any Kestrel endpoint. HTTP/3 is refused.</param>
    public ZeroTierOptions Listen(NetworkId network, int port, Action<ListenOptions> configure) =>
        Listen(network.ToString(), port, configure);

    /// <summary>Serves on a port of one of this node's addresses.</summary>
    /// <param name="network">The network; it must be in <see cref="ZeroTierNodeOptions.Networks"/> too.</param>
    /// <param name="address">An address that this node has or will get on that network.</param>
    /// <param name="port">1 to 65535, or 0 for one that is chosen at start.</param>
    public ZeroTierOptions Listen(NetworkId network, IPAddress address, int port) => Listen(network.ToString(), address, port);

    /// <summary>Serves on a port of one of this node's addresses.</summary>
    /// <param name="network">The network; it must be in <see cref="ZeroTierNodeOptions.Networks"/> too.</param>
    /// <param name="address">An address that this node has or will get on that network.</param>
    /// <param name="port">1 to 65535, or 0 for one that is chosen at start.</param>
    /// <param name="configure">Protocols, TLS and connection middleware, as for any Kestrel endpoint. HTTP/3 is refused.</param>
    public ZeroTierOptions Listen(NetworkId network, IPAddress address, int port, Action<ListenOptions> configure) =>
        Listen(network.ToString(), address, port, configure);

    /// <summary>Serves on a port of one network.</summary>
    /// <param name="network">The network, as sixteen hexadecimal digits; it must be in <see cref="ZeroTierNodeOptions.Networks"/>
    /// too.</param>
    /// <param name="port">1 to 65535, or 0 for one that is chosen at start.</param>
    public ZeroTierOptions Listen(string network, int port)
    {
        ArgumentNullException.ThrowIfNull(network);
        return Add(new ListenEntry(network, null, port, null));
    }

    /// <summary>Serves on a port of one network.</summary>
    /// <param name="network">The network, as sixteen hexadecimal digits; it must be in <see cref="ZeroTierNodeOptions.Networks"/>
    /// too.</param>
    /// <param name="port">1 to 65535, or 0 for one that is chosen at start.</param>
    /// <param name="configure">Protocols, TLS and connection middleware, as for any Kestrel endpoint. HTTP/3 is refused.</param>
    public ZeroTierOptions Listen(string network, int port, Action<ListenOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(configure);
        return Add(new ListenEntry(network, null, port, configure));
    }

    /// <summary>Serves on a port of one of this node's addresses.</summary>
    /// <param name="network">The network, as sixteen hexadecimal digits; it must be in <see cref="ZeroTierNodeOptions.Networks"/>
    /// too.</param>
    /// <param name="address">An address that this node has or will get on that network.</param>
    /// <param name="port">1 to 65535, or 0 for one that is chosen at start.</param>
    public ZeroTierOptions Listen(string network, IPAddress address, int port)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(address);
        return Add(new ListenEntry(network, address, port, null));
    }

    /// <summary>Serves on a port of one of this node's addresses.</summary>
    /// <param name="network">The network, as sixteen hexadecimal digits; it must be in <see cref="ZeroTierNodeOptions.Networks"/>
    /// too.</param>
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

    /// <inheritdoc />
    public override ZeroTierOptions UseDevelopmentNetwork()
    {
        base.UseDevelopmentNetwork();
        return this;
    }

    /// <inheritdoc />
    public override ZeroTierOptions UseDevelopmentNetwork(string path)
    {
        base.UseDevelopmentNetwork(path);
        return this;
    }

    private ZeroTierOptions Add(ListenEntry entry)
    {
        ListenEntries.Add(entry);
        return this;
    }
}
