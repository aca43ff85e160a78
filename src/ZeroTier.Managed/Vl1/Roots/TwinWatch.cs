namespace ZeroTier.Managed.Vl1.Roots;

/// <summary>Finds out that another node runs with our identity, from what roots report. Guarded by the control lock.</summary>
/// <remarks>
/// Two nodes with one identity look like one node with two endpoints, and packets for one arrive at the other. So a root that hears an
/// address from several endpoints sends each of them the others, as a RENDEZVOUS of the node with itself: ZeroTierOne 1.12 nodes ignore it,
/// ours know whether the endpoint is their own. A packet from an address to itself would find a duplicate without the root's help, but a
/// ZeroTierOne 1.12 root locks up when it relays one.
/// </remarks>
internal sealed class TwinWatch
{
    private readonly InetEndPoint[] _ownPlaces = new InetEndPoint[Vl1Limits.OwnPlaces];
    private int _ownPlaceCount;
    private InetEndPoint _strangePlace;
    private long _strangePlaceFirst;
    private long _strangePlaceLast = Vl1Timing.Never;

    /// <summary>A root has reported our external endpoint.</summary>
    public void NoteOwnPlace(in InetEndPoint place)
    {
        if (Array.IndexOf(_ownPlaces, place) < 0)
        {
            _ownPlaces[_ownPlaceCount++ % _ownPlaces.Length] = place;
        }
    }

    /// <summary>
    /// A root has reported another endpoint with our address. Soon after our start that may be our own previous run, and a single report is
    /// not enough: a delayed root still receives packets of the previous run.
    /// </summary>
    /// <returns>True when another node is there.</returns>
    public bool HearOfPlace(InetEndPoint place, long now)
    {
        if (now < Vl1Timing.TwinPatience || Array.IndexOf(_ownPlaces, place) >= 0)
        {
            return false;
        }

        if (place != _strangePlace || now - _strangePlaceLast > Vl1Timing.TwinMemory)
        {
            _strangePlace = place;
            _strangePlaceFirst = now;
        }

        _strangePlaceLast = now;
        return now - _strangePlaceFirst >= Vl1Timing.OtherPlaces / 2;
    }
}
