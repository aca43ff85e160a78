namespace ZeroTier.Managed.Vl1.Roots;

/// <summary>Detects, by reports of roots, that another running node uses our identity. Guarded by the control lock.</summary>
/// <remarks>
/// Two nodes with one identity look like one node with two endpoints, and packets for one arrive at the other. So a root that receives
/// packets of one identity from several endpoints sends to each of them another one of the endpoints, as a RENDEZVOUS of the node with
/// itself. ZeroTierOne 1.12 nodes ignore that; ours know whether the endpoint is their own. A packet to one's own address would reach a
/// duplicate without such help of the root, but a ZeroTierOne 1.12 root deadlocks when it relays one.
/// </remarks>
internal sealed class TwinWatch
{
    private readonly InetEndPoint[] _ownPlaces = new InetEndPoint[Vl1Limits.OwnPlaces];
    private int _ownPlaceCount;
    private InetEndPoint _strangePlace;
    private long _strangePlaceFirst;
    private long _strangePlaceLast = Vl1Timing.Never;

    /// <summary>Records an external endpoint of ours that a root has reported.</summary>
    public void NoteOwnPlace(in InetEndPoint place)
    {
        if (Array.IndexOf(_ownPlaces, place) < 0)
        {
            _ownPlaces[_ownPlaceCount++ % _ownPlaces.Length] = place;
        }
    }

    /// <summary>
    /// A root has reported another endpoint that uses our identity. Soon after our start that may be an endpoint of our own previous run.
    /// A single report is not enough either: an overloaded root may be processing old packets of the previous run.
    /// </summary>
    /// <returns>True when another node with our identity is there.</returns>
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
