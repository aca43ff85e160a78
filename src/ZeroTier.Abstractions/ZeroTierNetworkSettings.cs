namespace ZeroTier;

/// <summary>
/// Which of the addresses, routes and name servers assigned by a network's controller a node uses; ZeroTierOne has the same settings.
/// Immutable.
/// </summary>
public sealed record ZeroTierNetworkSettings
{
    internal static ZeroTierNetworkSettings Default { get; } = new();

    /// <summary>Whether assigned addresses and routes are used at all. If false, the network carries no traffic. Default true.</summary>
    public bool AllowManaged { get; init; } = true;

    /// <summary>
    /// Whether globally routable addresses, and routes to such addresses, are used. They divert traffic meant for the public Internet to
    /// the network. Default false.
    /// </summary>
    public bool AllowGlobal { get; init; }

    /// <summary>
    /// Whether a default route is used: traffic to every address that is on no other network then goes to this network's gateway. Default
    /// false.
    /// </summary>
    public bool AllowDefault { get; init; }

    /// <summary>
    /// Whether names in the network's search domain are resolved by its name servers, for this node's own calls; the operating system's
    /// resolver is not affected. Default true.
    /// </summary>
    public bool AllowDns { get; init; } = true;
}
