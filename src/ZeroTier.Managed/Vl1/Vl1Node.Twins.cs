namespace ZeroTier.Managed.Vl1;

/// <content>Finding out that another node runs with our identity.</content>
/// <remarks>
/// Two nodes with one identity look to everybody like one with two places, and what is sent to one arrives at the other. So a root that hears an address from
/// several places tells each of them of the others, as an introduction of the node to itself: ZeroTierOne 1.12 nodes take no notice, ours know whether they are
/// there too. A packet from an address to itself would find a twin without the root's help, but a ZeroTierOne 1.12 root never comes back from relaying one.
/// </remarks>
internal sealed partial class Vl1Node
{
    private readonly InetEndPoint[] _ownPlaces = new InetEndPoint[Vl1Limits.OwnPlaces];
    private int _ownPlaceCount;
    private InetEndPoint _strangePlace;
    private long _strangePlaceFirst;
    private long _strangePlaceLast = Vl1Timing.Never;

    // A root's part: one of the others at a time is enough, for all come in turn.
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

    // A root has said where it sees us. Under the lock.
    private void NoteOwnPlace(Peer peer, in InetEndPoint place)
    {
        if (peer.IsUpstream && Array.IndexOf(_ownPlaces, place) < 0)
        {
            _ownPlaces[_ownPlaceCount++ % _ownPlaces.Length] = place;
        }
    }

    // A root has said where else our address is heard. What it says soon after our start may be about our former self, and once is not enough: a root that was
    // held up hears packets of that one late.
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
