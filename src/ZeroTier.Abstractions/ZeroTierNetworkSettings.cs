namespace ZeroTier;

/// <summary>
/// What a node takes of that which a network's controller assigns, as ZeroTierOne's settings of the same names. Immutable.
/// </summary>
public sealed record ZeroTierNetworkSettings
{
    internal static ZeroTierNetworkSettings Default { get; } = new();

    /// <summary>Whether assigned addresses and routes are taken at all. Without, the network carries nothing. Default true.</summary>
    public bool AllowManaged { get; init; } = true;

    /// <summary>
    /// Whether globally routable addresses are taken, and routes to such addresses: they draw in what is meant for the public Internet.
    /// Default false.
    /// </summary>
    public bool AllowGlobal { get; init; }

    /// <summary>
    /// Whether a default route is taken: then every address that is on no other network goes to this network's gateway. Default false.
    /// </summary>
    public bool AllowDefault { get; init; }

    /// <summary>
    /// Whether the network's name servers are asked for names in its domain, for this node's own calls; the operating system hears
    /// nothing of them. Default true.
    /// </summary>
    public bool AllowDns { get; init; } = true;
}
