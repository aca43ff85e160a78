namespace Kestrel.Transport.ZeroTier.Listening;

/// <summary>The difference between two states of the endpoints of <c>ZeroTier:Listen</c>.</summary>
/// <param name="Now">All endpoints after the change.</param>
/// <param name="Added">New endpoints.</param>
/// <param name="Gone">Removed endpoints.</param>
/// <param name="Changed">Endpoints that Kestrel has to bind again because their protocols or certificates changed.</param>
/// <param name="ListsKept">Whether an access list was kept although the configuration no longer has it, see
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
