namespace ZeroTier.Managed.IpStack;

/// <summary>Where packets for a range of addresses go.</summary>
/// <param name="Target">The range.</param>
/// <param name="PrefixLength">Its bits, 0 to 32 or 128.</param>
/// <param name="Gateway">The neighbour that takes them further; null when the range itself is on the link.</param>
/// <param name="Metric">Of two routes with the same prefix length the lower one counts.</param>
internal readonly record struct IpRoute(IpAddress Target, int PrefixLength, IpAddress? Gateway, int Metric)
{
    /// <summary>The first address of the range.</summary>
    public IpAddress Network => Target.First(PrefixLength);
}
