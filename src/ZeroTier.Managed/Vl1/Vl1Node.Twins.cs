namespace ZeroTier.Managed.Vl1;

/// <content>Finding out that another node runs with our identity.</content>
/// <remarks>
/// Two nodes with one identity look like one node with two endpoints, and packets for one arrive at the other. So a root that hears an address from several
/// endpoints sends each of them the others, as a RENDEZVOUS of the node with itself: ZeroTierOne 1.12 nodes ignore it, ours know whether the endpoint is their
/// own. A packet from an address to itself would find a duplicate without the root's help, but a ZeroTierOne 1.12 root locks up when it relays one.
/// </remarks>
internal sealed partial class Vl1Node
{
    private readonly InetEndPoint[] _ownPlaces = new InetEndPoint[Vl1Limits.OwnPlaces];
    private int _ownPlaceCount;
    private InetEndPoint _strangePlace;
    private long _strangePlaceFirst;
    private long _strangePlaceLast = Vl1Timing.Never;

    // On a root: sends one other endpoint at a time; they rotate.
    private void TellOtherPlaces(Peer peer, long now)
    {
        if (!_isRoot || peer.Paths.Length < 2 || now - peer.LastPlacesTold < Vl1Timing.OtherPlaces)
        {
            return;
        }

        PeerPath[] fresh = Array.FindAll(peer.Paths, path => now - path.LastReceived < Vl1Timing.PlaceFresh);
        if (fresh.Length < 2)
        {
            return;
        }

        peer.LastPlacesTold = now;
        int step = 1 + Random.Next(fresh.Length - 1);
        for (int i = 0; i < fresh.Length; i++)
        {
            SendIntroduction(peer, fresh[i], peer.Id, fresh[(i + step) % fresh.Length].EndPoint);
        }
    }

    // A root has reported our external endpoint. Under the lock.
    private void NoteOwnPlace(Peer peer, in InetEndPoint place)
    {
        if (peer.IsUpstream && Array.IndexOf(_ownPlaces, place) < 0)
        {
            _ownPlaces[_ownPlaceCount++ % _ownPlaces.Length] = place;
        }
    }

    // A root has reported another endpoint with our address. Soon after our start that may be our own previous run, and a single report is not enough: a
    // delayed root still receives packets of the previous run.
    private void HearOfPlace(InetEndPoint place)
    {
        lock (_control)
        {
            long now = Now;
            if (now < Vl1Timing.TwinPatience || Array.IndexOf(_ownPlaces, place) >= 0)
            {
                return;
            }

            if (place != _strangePlace || now - _strangePlaceLast > Vl1Timing.TwinMemory)
            {
                _strangePlace = place;
                _strangePlaceFirst = now;
            }

            _strangePlaceLast = now;
            if (now - _strangePlaceFirst < Vl1Timing.OtherPlaces / 2)
            {
                return;
            }
        }

        _client.OnTwin(place);
    }
}
