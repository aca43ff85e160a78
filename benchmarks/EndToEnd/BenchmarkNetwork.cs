namespace EndToEnd;

/// <summary>Kinds of networks that the ZeroTier transport is measured on.</summary>
/// <param name="Name">What <c>--network</c> says.</param>
/// <param name="TransportName">What the transport is called in the results.</param>
internal sealed record BenchmarkNetwork(string Name, string TransportName)
{
    /// <summary>Needs no controller; addresses are IPv6 of 6PLANE, and the only rule is the range of ports.</summary>
    public static BenchmarkNetwork AdHoc { get; } = new("adhoc", Transport.ZeroTier);

    /// <summary>
    /// Has a controller in the root: members are authorised and show certificates, addresses are IPv4 of a pool, and each frame passes
    /// rules.
    /// </summary>
    public static BenchmarkNetwork Private { get; } = new("private", Transport.ZeroTierPrivate);

    public static IReadOnlyDictionary<string, BenchmarkNetwork> ByName { get; } = new[] { AdHoc, Private }.ToDictionary(n => n.Name);
}
