using ZeroTier.Service.AspNetCore;

namespace ZeroTier.Controller.AspNetCore;

/// <summary>A controller in a host. Read once, at the start. Who may use its HTTP API is in <see cref="ZeroTierServiceOptions"/>.</summary>
public sealed class ZeroTierControllerOptions
{
    /// <summary>
    /// Where networks and members are kept; the controller opens it and disposes of it. Default: null, which is memory: everything is
    /// forgotten with the process, and a warning says so.
    /// </summary>
    public IControllerStore? Store { get; set; }

    /// <summary>Nodes that asked and were never authorised, which are remembered for each network, 1 or more. Default 1,000.</summary>
    public int MaxUnauthorizedMembers { get; set; } = 1000;

    /// <summary>Members that a network may have, those that wait included, 1 or more. Default 100,000.</summary>
    public int MaxMembersPerNetwork { get; set; } = 100_000;
}
