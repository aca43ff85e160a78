using System.Net;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using ZeroTier.Managed.Vl1.Admission;

namespace ZeroTier.Managed.Vl1;

/// <summary>Options and dependencies of a <see cref="Vl1Node"/>.</summary>
internal sealed class Vl1NodeOptions
{
    /// <summary>Our identity, with the private key.</summary>
    public required NodeIdentity Identity { get; init; }

    /// <summary>The planet, i.e. the roots. A node whose own identity is among them is a root itself.</summary>
    public required Planet Planet { get; init; }

    /// <summary>The moons to use. Definitions given here are trusted.</summary>
    public IReadOnlyList<MoonOrbit> Moons { get; init; } = [];

    /// <summary>The physical network. Not disposed by the node.</summary>
    public required IDatagramTransport Transport { get; init; }

    /// <summary>Physical networks to which nothing is sent, and from which nothing is accepted.</summary>
    public IReadOnlyList<IPNetwork> BlockedNetworks { get; init; } = [];

    /// <summary>Trusted paths: physical networks on which packets are not encrypted.</summary>
    public IReadOnlyList<TrustedPath> TrustedPaths { get; init; } = [];

    /// <summary>The layer above.</summary>
    public required IVl1Client Client { get; init; }

    /// <summary>Clock and timers. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Randomness. Default: the system's.</summary>
    public RandomSource Random { get; init; } = RandomSource.System;

    /// <summary>The checks of unknown identities. Replaced only in simulations.</summary>
    public IdentityChecks IdentityChecks { get; init; } = new();

    /// <summary>Default: no logging.</summary>
    public ILogger Logger { get; init; } = NullLogger.Instance;

    /// <summary>
    /// A node that is not a root is offline when nothing was received from any root for this long. Default 30 s, as in libzt: six lost
    /// keepalives.
    /// </summary>
    public TimeSpan OfflineAfter { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How long after its last packet a peer is kept in memory, and, if frames were exchanged, its paths are kept alive. Default 500 s, as
    /// in the ZeroTierOne service: an idle HTTP connection then still has its direct path (with libzt's 30 s it would be relayed again).
    /// </summary>
    public TimeSpan PeerActivityTimeout { get; init; } = TimeSpan.FromSeconds(500);

    /// <summary>The peer cache of an earlier run. A peer in it is restored when it is looked up.</summary>
    public IReadOnlyList<KnownPeer> KnownPeers { get; init; } = [];
}
