using System.Runtime.InteropServices;

namespace ZeroTier.Managed.Vl1.Paths;

/// <summary>
/// Unvalidated endpoints of a peer: source addresses of its packets, and addresses that it has announced. Either may be forged and belong
/// to a victim. So bytes are sent to each only in proportion to bytes received from it, and it is probed at a limited rate. Bounded;
/// guarded by the control lock.
/// </summary>
internal sealed class UnprovenPlaces
{
    // Empty for most peers.
    private readonly List<Place> _places = [];

    /// <summary>Credits bytes received from an endpoint.</summary>
    public void Earn(in InetEndPoint endPoint, int bytes, long now)
    {
        ref var place = ref FindOrAdd(endPoint, now);
        if (place.EndPoint == endPoint)
        {
            place.Credit = Math.Min(place.Credit + Vl1Limits.Amplification * bytes, Vl1Limits.UnprovenCredit);
            place.LastSeen = now;
        }
    }

    /// <summary>Bytes that may be sent to an endpoint now.</summary>
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

    /// <summary>Charges bytes sent to an endpoint; false when they exceed its credit.</summary>
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

    /// <summary>Whether enough time has passed to probe an endpoint again; if so the time is recorded.</summary>
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

    /// <summary>Records an endpoint that the peer has announced, to be probed as soon as the credit allows.</summary>
    public void Want(in InetEndPoint endPoint, long now)
    {
        ref var place = ref FindOrAdd(endPoint, now);
        if (place.EndPoint == endPoint && now - place.LastAsked >= Vl1Timing.ConfirmInterval)
        {
            place.WantedUntil = now + Vl1Timing.QueueLifetime;
            place.LastSeen = now;
        }
    }

    /// <summary>The next announced endpoint to probe, if any.</summary>
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

    // The endpoint's entry; when the table is full, another one is evicted for it.
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
