using ZeroTier.Service.AspNetCore;

namespace ZeroTier.Controller.AspNetCore;

/// <summary>
/// Options of a controller in a host. Read once, at start. Access to its HTTP API is configured in <see cref="ZeroTierServiceOptions"/>.
/// </summary>
public sealed class ZeroTierControllerOptions
{
    /// <summary>
    /// The store of networks and members; opened and disposed by the controller. Default: null, which keeps everything in memory until the
    /// process ends and logs a warning.
    /// </summary>
    public IControllerStore? Store { get; set; }

    /// <summary>
    /// The maximum number of records per network of nodes that requested to join and were never authorised, 1 or more. Default 1,000.
    /// </summary>
    public int MaxUnauthorizedMembers { get; set; } = 1000;

    /// <summary>The maximum number of records per network, including nodes that are not authorised, 1 or more. Default 100,000.</summary>
    public int MaxMembersPerNetwork { get; set; } = 100_000;
}
