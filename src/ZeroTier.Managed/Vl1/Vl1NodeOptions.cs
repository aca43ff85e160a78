using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using ZeroTier.Managed.Vl1.Admission;

namespace ZeroTier.Managed.Vl1;

/// <summary>What a <see cref="Vl1Node"/> is made of.</summary>
internal sealed class Vl1NodeOptions
{
    /// <summary>Who we are, with the secret key.</summary>
    public required NodeIdentity Identity { get; init; }

    /// <summary>The roots. A node that finds its own identity among them is a root itself.</summary>
    public required Planet Planet { get; init; }

    /// <summary>The physical network. Not disposed by the node.</summary>
    public required IDatagramTransport Transport { get; init; }

    /// <summary>The layer above.</summary>
    public required IVl1Client Client { get; init; }

    /// <summary>Clock and timers. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Randomness. Default: the system's.</summary>
    public RandomSource Random { get; init; } = RandomSource.System;

    /// <summary>The checks of unknown identities. Default: those of the protocol, which cost what they cost.</summary>
    public IdentityChecks IdentityChecks { get; init; } = new();

    /// <summary>Default: no logging.</summary>
    public ILogger Logger { get; init; } = NullLogger.Instance;

    /// <summary>
    /// Without a word from any root for so long a leaf calls itself offline. Default 30 s, as libzt: keepalives go out every 5 s, so six of them were lost.
    /// </summary>
    public TimeSpan OfflineAfter { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Peers are kept, and the paths of those that exchange frames kept open, for so long after the last packet. Default 500 s, as the stock
    /// service: an idle HTTP connection then still finds its direct path (libzt's 30 s would send it through a root again).
    /// </summary>
    public TimeSpan PeerActivityTimeout { get; init; } = TimeSpan.FromSeconds(500);

    /// <summary>Peers remembered from an earlier run; used when one of them is looked up.</summary>
    public IReadOnlyList<KnownPeer> KnownPeers { get; init; } = [];
}
