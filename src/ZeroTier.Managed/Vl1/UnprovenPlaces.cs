using System.Runtime.InteropServices;

namespace ZeroTier.Managed.Vl1;

/// <summary>
/// Places that have to do with a peer and from which it has not answered: where its packets say that they come from, and where it says that it is. Both can be
/// somebody else's. So each gets bytes only for bytes that came from it, and is asked only once in a while. Bounded; guarded by the control lock.
/// </summary>
internal sealed class UnprovenPlaces
{
    // Most peers have none.
    private readonly List<Place> _places = [];

    /// <summary>Notes what came from a place.</summary>
    public void Earn(in InetEndPoint endPoint, int bytes, long now)
    {
        ref var place = ref FindOrAdd(endPoint, now);
        if (place.EndPoint == endPoint)
        {
            place.Credit = Math.Min(place.Credit + Vl1Limits.Amplification * bytes, Vl1Limits.UnprovenCredit);
            place.LastSeen = now;
        }
    }

    /// <summary>Bytes that may be sent to a place now.</summary>
    public int Room(in InetEndPoint endPoint)
    {
        foreach (ref var place in CollectionsMarshal.AsSpan(_places))
        {
            if (place.EndPoint == endPoint)
            {
                return place.Credit;
            }
        }

        return 0;
    }

    /// <summary>Whether so much may be sent to a place; if so it is charged.</summary>
    public bool TrySpend(in InetEndPoint endPoint, int bytes)
    {
        foreach (ref var place in CollectionsMarshal.AsSpan(_places))
        {
            if (place.EndPoint == endPoint && place.Credit >= bytes)
            {
                place.Credit -= bytes;
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether a place may be asked whether the peer is there, as far as the time since the last question goes; if so it is noted.</summary>
    public bool TryAsk(in InetEndPoint endPoint, long now)
    {
        ref var place = ref FindOrAdd(endPoint, now);
        if (place.EndPoint != endPoint || now - place.LastAsked < Vl1Timing.ConfirmInterval)
        {
            return false;
        }

        place.LastAsked = now;
        place.LastSeen = now;
        place.WantedUntil = Vl1Timing.Never;
        return true;
    }

    /// <summary>Notes that the peer says it is at a place, to be asked there as soon as it may.</summary>
    public void Want(in InetEndPoint endPoint, long now)
    {
        ref var place = ref FindOrAdd(endPoint, now);
        if (place.EndPoint == endPoint && now - place.LastAsked >= Vl1Timing.ConfirmInterval)
        {
            place.WantedUntil = now + Vl1Timing.QueueLifetime;
            place.LastSeen = now;
        }
    }

    /// <summary>The next place where the peer is to be asked, if any.</summary>
    public bool TryGetWanted(long now, out InetEndPoint endPoint)
    {
        foreach (ref var place in CollectionsMarshal.AsSpan(_places))
        {
            if (place.WantedUntil > now)
            {
                endPoint = place.EndPoint;
                return true;
            }
        }

        endPoint = default;
        return false;
    }

    // The place's entry; when there is no room for it, that of another one.
    private ref Place FindOrAdd(in InetEndPoint endPoint, long now)
    {
        int stale = -1;
        var places = CollectionsMarshal.AsSpan(_places);
        for (int i = 0; i < places.Length; i++)
        {
            if (places[i].EndPoint == endPoint)
            {
                return ref places[i];
            }

            if (now - places[i].LastSeen >= Vl1Timing.ConfirmInterval && places[i].WantedUntil <= now)
            {
                stale = i;
            }
        }

        if (stale < 0 && places.Length < Vl1Limits.UnprovenPlacesPerPeer)
        {
            stale = places.Length;
            _places.Add(default);
            places = CollectionsMarshal.AsSpan(_places);
        }

        if (stale < 0)
        {
            return ref places[0];
        }

        places[stale] = new Place { EndPoint = endPoint, LastAsked = Vl1Timing.Never, LastSeen = now, WantedUntil = Vl1Timing.Never };
        return ref places[stale];
    }

    private struct Place
    {
        public InetEndPoint EndPoint;
        public int Credit;
        public long LastAsked;
        public long LastSeen;
        public long WantedUntil;
    }
}
