namespace Kestrel.Transport.ZeroTier.Listening;

/// <summary>What is different in the endpoints of <c>ZeroTier:Listen</c>.</summary>
/// <param name="Now">All that there are.</param>
/// <param name="Added">Those that are new.</param>
/// <param name="Gone">Those that are no longer there.</param>
/// <param name="Changed">Those that Kestrel has to bind anew, as their protocols or certificates are others.</param>
/// <param name="ListsKept">Whether a list of callers stayed that is no longer there, see
/// <see cref="AccessList.Follow(AccessList)"/>.</param>
internal sealed record EndpointChange(
    ServedEndPoint[] Now,
    IReadOnlyList<ServedEndPoint> Added,
    IReadOnlyList<ServedEndPoint> Gone,
    IReadOnlyList<ServedEndPoint> Changed,
    bool ListsKept)
{
    /// <summary>Whether there is nothing for Kestrel to do.</summary>
    public bool IsNone => Added.Count + Gone.Count + Changed.Count == 0;
}
