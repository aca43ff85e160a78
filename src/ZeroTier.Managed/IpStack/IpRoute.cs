namespace ZeroTier.Managed.IpStack;

/// <summary>A route.</summary>
/// <param name="Target">An address of the destination prefix.</param>
/// <param name="PrefixLength">The prefix length, 0 to 32 or 128 bits.</param>
/// <param name="Gateway">The neighbour that forwards the packets; null when the prefix itself is on the link.</param>
/// <param name="Metric">Of two routes with the same prefix length the lower one counts.</param>
internal readonly record struct IpRoute(IpAddress Target, int PrefixLength, IpAddress? Gateway, int Metric)
{
    /// <summary>The first address of the range.</summary>
    public IpAddress Network => Target.First(PrefixLength);
}
