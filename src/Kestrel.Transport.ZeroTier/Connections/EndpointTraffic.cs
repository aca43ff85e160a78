namespace Kestrel.Transport.ZeroTier.Connections;

/// <summary>
/// Traffic counters of an endpoint. Each connection counts its own bytes without a lock and is read only when metrics are collected; a
/// connection costs one lock when it opens and one when it ends. Thread-safe.
/// </summary>
internal sealed class EndpointTraffic
{
    private readonly Lock _gate = new();
    private readonly HashSet<TransportConnection> _open = [];
    private long _accepted;
    private long _received;
    private long _sent;

    /// <summary>Connections that were handed to the server.</summary>
    public long Accepted => Volatile.Read(ref _accepted);

    public void Opened(TransportConnection connection)
    {
        lock (_gate)
        {
            _open.Add(connection);
            Volatile.Write(ref _accepted, _accepted + 1);
        }
    }

    public void Ended(TransportConnection connection)
    {
        lock (_gate)
        {
            if (_open.Remove(connection))
            {
                _received += connection.BytesReceived;
                _sent += connection.BytesSent;
            }
        }
    }

    /// <summary>Bytes that the server has read and written.</summary>
    public (long Received, long Sent) Bytes
    {
        get
        {
            lock (_gate)
            {
                var (received, sent) = (_received, _sent);
                foreach (var connection in _open)
                {
                    received += connection.BytesReceived;
                    sent += connection.BytesSent;
                }

                return (received, sent);
            }
        }
    }
}
