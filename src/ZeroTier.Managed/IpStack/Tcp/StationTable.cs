using System.Runtime.InteropServices;

namespace ZeroTier.Managed.IpStack.Tcp;

/// <summary>
/// The connections of a layer by the station at their other end, the oldest first: what happens to one station costs nothing for the
/// connections with others. Thread-safe; no other lock is taken under its lock.
/// </summary>
internal sealed class StationTable
{
    private readonly Lock _gate = new();

    // A station with connections has an entry; its connections are linked through the sockets.
    private readonly Dictionary<MacAddress, Ends> _stations = [];

    /// <summary>Stations with connections.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _stations.Count;
            }
        }
    }

    /// <summary>Adds a connection as its station's newest. The station must be known, and the connection not in the table.</summary>
    public void Add(TcpSocket socket)
    {
        lock (_gate)
        {
            ref Ends ends = ref CollectionsMarshal.GetValueRefOrAddDefault(_stations, socket.RemoteMac, out bool exists);
            socket.IsInStation = true;
            socket.OlderOfStation = ends.Newest;
            if (exists)
            {
                ends.Newest!.NewerOfStation = socket;
            }
            else
            {
                ends.Oldest = socket;
            }

            ends.Newest = socket;
        }
    }

    /// <summary>Removes a connection; does nothing if it is not in the table.</summary>
    public void Remove(TcpSocket socket)
    {
        lock (_gate)
        {
            if (!socket.IsInStation)
            {
                return;
            }

            socket.IsInStation = false;
            (TcpSocket? older, TcpSocket? newer) = (socket.OlderOfStation, socket.NewerOfStation);
            socket.OlderOfStation = socket.NewerOfStation = null;
            if (older is null && newer is null)
            {
                _stations.Remove(socket.RemoteMac);
                return;
            }

            ref Ends ends = ref CollectionsMarshal.GetValueRefOrNullRef(_stations, socket.RemoteMac);
            _ = older is null ? ends.Oldest = newer : older.NewerOfStation = newer;
            _ = newer is null ? ends.Newest = older : newer.OlderOfStation = older;
        }
    }

    /// <summary>A station's oldest connection whose handshake is complete; null for none.</summary>
    public TcpSocket? FindOldest(MacAddress station)
    {
        lock (_gate)
        {
            TcpSocket? socket = _stations.GetValueOrDefault(station).Oldest;
            while (socket is { IsEstablished: false })
            {
                socket = socket.NewerOfStation;
            }

            return socket;
        }
    }

    /// <summary>A station's connections, the oldest first.</summary>
    public List<TcpSocket> Of(MacAddress station)
    {
        var sockets = new List<TcpSocket>();
        lock (_gate)
        {
            for (TcpSocket? s = _stations.GetValueOrDefault(station).Oldest; s is not null; s = s.NewerOfStation)
            {
                sockets.Add(s);
            }
        }

        return sockets;
    }

    private struct Ends
    {
        public TcpSocket? Oldest;
        public TcpSocket? Newest;
    }
}
