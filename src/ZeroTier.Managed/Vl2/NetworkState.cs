using ZeroTier.Managed.Vl2.Configuration;

namespace ZeroTier.Managed.Vl2;

/// <summary>
/// The state of a joined network (docs/protocol/3-vl2.md 3.3.1). A failure does not remove the configuration: a member that the controller
/// refuses keeps its addresses until other members no longer accept it. Immutable.
/// </summary>
/// <remarks>
/// <code>
///                      Apply                          Fail
///  Requesting ─────────────────────────► Ok ─────────────────────► AccessDenied, NotFound, …
///      │            configuration        ▲                         configuration kept
///      │ Fail                            │ Apply: ends the failure
///      └────────► AccessDenied, NotFound, NotSupported, … (no configuration)
/// </code>
/// All transitions are made by the network's <see cref="IConfigurationSource"/>, through <see cref="IConfigurationSink"/>.
/// </remarks>
/// <param name="Configuration">The configuration in force; null before the first one.</param>
/// <param name="Failure">Why there is no, or no newer, configuration; null when there is no failure.</param>
internal sealed record NetworkState(NetworkConfiguration? Configuration, NetworkFailure? Failure)
{
    /// <summary>A network that has just been joined.</summary>
    public static NetworkState Joined { get; } = new(null, null);

    public ZeroTierNetworkStatus Status =>
        Failure?.Status ?? (Configuration is null ? ZeroTierNetworkStatus.RequestingConfiguration : ZeroTierNetworkStatus.Ok);
}
