using System.Net;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using ZeroTier.Managed;

namespace ZeroTier.SelfHosting;

/// <summary>Options of a <see cref="PrivateRoot"/>.</summary>
public sealed record PrivateRootOptions
{
    /// <summary>
    /// The folder with the identity, signing key and planet. Other users get no access to it. Anyone who can read it can take over the
    /// network.
    /// </summary>
    public required string StoragePath { get; init; }

    /// <summary>
    /// The endpoints at which nodes reach the root, which are written into the planet: up to 32, all with the same port, which is not 0.
    /// Behind a NAT, the public addresses. Empty means the endpoints in the existing planet.
    /// </summary>
    public required IReadOnlyList<IPEndPoint> EndPoints { get; init; }

    /// <summary>
    /// Other roots to add to the planet, or to update with new endpoints; each has its own folder elsewhere. Other roots that are in the
    /// planet already remain. At most four roots in all. Requires the signing key, which is in the folder where the planet was created.
    /// Default: none.
    /// </summary>
    public IReadOnlyList<PlanetRoot> OtherRoots { get; init; } = [];

    /// <summary>
    /// The local addresses to bind. Default: empty, which means all addresses of the machine, kept up to date when they change, or only
    /// loopback if all endpoints are loopback addresses.
    /// </summary>
    public IReadOnlyList<IPAddress> BindAddresses { get; init; } = [];

    /// <summary>
    /// The endpoint at which the root accepts TCP connections from nodes on networks that block UDP, which set it as
    /// <see cref="ManagedNodeOptions.TcpRelay"/>. Default: none.
    /// </summary>
    public IPEndPoint? TcpRelay { get; init; }

    /// <summary>The clock and the timers. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>The random number generator. Default: the system's cryptographic generator.</summary>
    public RandomSource RandomSource { get; init; } = RandomSource.System;

    /// <summary>Opens the datagram transport. Default: UDP sockets.</summary>
    public Func<IDatagramTransport>? DatagramTransportFactory { get; init; }

    /// <summary>Creates the loggers. Default: none.</summary>
    public ILoggerFactory LoggerFactory { get; init; } = NullLoggerFactory.Instance;
}
