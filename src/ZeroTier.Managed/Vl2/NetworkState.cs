using ZeroTier.Managed.Vl2.Configuration;

namespace ZeroTier.Managed.Vl2;

/// <summary>
/// Where a joined network stands (docs/protocol/3-vl2.md 3.3.1). A failure does not take the configuration away: a member that is refused
/// keeps its addresses until others refuse it. Immutable.
/// </summary>
/// <remarks>
/// <code>
///                      Apply                          Fail
///  Requesting ─────────────────────────► Ok ─────────────────────► AccessDenied, NotFound, …
///      │            configuration        ▲                         configuration kept
///      │ Fail                            │ Apply: the failure is over
///      └────────► AccessDenied, NotFound, NotSupported, … (no configuration)
/// </code>
/// The source of the network's configuration makes every move, through <see cref="IConfigurationSink"/>.
/// </remarks>
/// <param name="Configuration">The one in force; null before the first.</param>
/// <param name="Failure">Why there is none, or no newer one; null when all is well.</param>
internal sealed record NetworkState(NetworkConfiguration? Configuration, NetworkFailure? Failure)
{
    /// <summary>A network that has just been joined.</summary>
    public static NetworkState Joined { get; } = new(null, null);

    public ZeroTierNetworkStatus Status =>
        Failure?.Status ?? (Configuration is null ? ZeroTierNetworkStatus.RequestingConfiguration : ZeroTierNetworkStatus.Ok);
}
