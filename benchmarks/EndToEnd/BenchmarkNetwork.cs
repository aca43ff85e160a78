namespace EndToEnd;

/// <summary>A kind of network on which the ZeroTier transport is measured.</summary>
/// <param name="Name">The value of <c>--network</c>.</param>
/// <param name="TransportName">The transport's name in the results.</param>
internal sealed record BenchmarkNetwork(string Name, string TransportName)
{
    /// <summary>Ad-hoc: no controller, 6PLANE IPv6 addresses, and only the rules for the port range.</summary>
    public static BenchmarkNetwork AdHoc { get; } = new("adhoc", Transport.ZeroTier);

    /// <summary>
    /// Private, with the controller in the root: members are authorised and present certificates of membership, IPv4 addresses come from a
    /// pool, and rules are evaluated for each frame.
    /// </summary>
    public static BenchmarkNetwork Private { get; } = new("private", Transport.ZeroTierPrivate);

    public static IReadOnlyDictionary<string, BenchmarkNetwork> ByName { get; } = new[] { AdHoc, Private }.ToDictionary(n => n.Name);
}
