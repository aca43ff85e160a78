using System.Net;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using ZeroTier.Managed;

namespace ZeroTier.SelfHosting;

/// <summary>How a <see cref="PrivateRoot"/> runs.</summary>
public sealed record PrivateRootOptions
{
    /// <summary>
    /// The folder with identity, signing key and planet, closed to other users. Whoever can read it can take the network over.
    /// </summary>
    public required string StoragePath { get; init; }

    /// <summary>
    /// Where nodes reach the root, up to 32 endpoints with ports other than 0; the planet names them. Behind a NAT these are the public
    /// addresses. All ports must be the same. Empty: as the planet in the folder says.
    /// </summary>
    public required IReadOnlyList<IPEndPoint> EndPoints { get; init; }

    /// <summary>
    /// Further roots of the planet, each with its own folder elsewhere, or new endpoints of such; those that the planet names already stay.
    /// At most four roots in all. Only where the planet was made, and its signing key is. Default: none.
    /// </summary>
    public IReadOnlyList<PlanetRoot> OtherRoots { get; init; } = [];

    /// <summary>
    /// The addresses of this machine to use. Default: none given, which means every address of the machine, also those that it gets or
    /// loses later, or only loopback when all endpoints are.
    /// </summary>
    public IReadOnlyList<IPAddress> BindAddresses { get; init; } = [];

    /// <summary>
    /// Where the root takes nodes by TCP whose own network lets no UDP through: those that have it as their
    /// <see cref="ManagedNodeOptions.TcpRelay"/>. Default: none.
    /// </summary>
    public IPEndPoint? TcpRelay { get; init; }

    /// <summary>Clock and timers. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Random numbers. Default: the system's cryptographic generator.</summary>
    public RandomSource RandomSource { get; init; } = RandomSource.System;

    /// <summary>Opens the physical network. Default: UDP sockets.</summary>
    public Func<IDatagramTransport>? DatagramTransportFactory { get; init; }

    /// <summary>Where logs go. Default: nowhere.</summary>
    public ILoggerFactory LoggerFactory { get; init; } = NullLoggerFactory.Instance;
}
