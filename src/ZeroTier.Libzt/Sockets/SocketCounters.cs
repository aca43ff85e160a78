namespace ZeroTier.Libzt.Sockets;

/// <summary>Counters of the loop since its start. Written on the loop's thread, read on any.</summary>
internal sealed class SocketCounters
{
    private long _bytesReceived;
    private long _bytesSent;
    private long _openConnections;
    private long _connectionsAccepted;
    private long _connectionsOpened;
    private long _connectionsFailed;
    private long _connectionsShed;
    private long _datagramsReceived;
    private long _datagramsSent;
    private long _datagramsDropped;
    private long _rounds;
    private long _wakes;
    private int _descriptors;

    /// <summary>Bytes received by TCP connections and UDP sockets.</summary>
    public long BytesReceived => Volatile.Read(ref _bytesReceived);

    /// <summary>Bytes of TCP connections and UDP sockets passed to libzt.</summary>
    public long BytesSent => Volatile.Read(ref _bytesSent);

    /// <summary>TCP connections that an application holds.</summary>
    public long OpenConnections => Volatile.Read(ref _openConnections);

    public long ConnectionsAccepted => Volatile.Read(ref _connectionsAccepted);

    public long ConnectionsOpened => Volatile.Read(ref _connectionsOpened);

    public long ConnectionsFailed => Volatile.Read(ref _connectionsFailed);

    /// <summary>Incoming connections that were reset because no descriptor was left.</summary>
    public long ConnectionsShed => Volatile.Read(ref _connectionsShed);

    /// <summary>Increases with everything that proves traffic from a peer: received bytes and completed handshakes.</summary>
    public long HeardFromPeers => BytesReceived + ConnectionsAccepted + ConnectionsOpened;

    public long DatagramsReceived => Volatile.Read(ref _datagramsReceived);

    public long DatagramsSent => Volatile.Read(ref _datagramsSent);

    /// <summary>Datagrams dropped because the receive queue was full, or because libzt did not take them.</summary>
    public long DatagramsDropped => Volatile.Read(ref _datagramsDropped);

    /// <summary>The number of polls.</summary>
    public long Rounds => Volatile.Read(ref _rounds);

    /// <summary>The number of times that the loop was woken by closing the wake socket.</summary>
    public long Wakes => Volatile.Read(ref _wakes);

    /// <summary>libzt descriptors in use, without the wake socket.</summary>
    public int Descriptors => Volatile.Read(ref _descriptors);

    internal void Received(int bytes) => Add(ref _bytesReceived, bytes);

    internal void Sent(int bytes) => Add(ref _bytesSent, bytes);

    internal void ConnectionBegan(bool accepted)
    {
        Add(ref _openConnections, 1);
        Add(ref accepted ? ref _connectionsAccepted : ref _connectionsOpened, 1);
    }

    internal void ConnectionEnded() => Add(ref _openConnections, -1);

    internal void ConnectFailed() => Add(ref _connectionsFailed, 1);

    internal void Shed() => Add(ref _connectionsShed, 1);

    internal void DatagramReceived(int bytes)
    {
        Add(ref _datagramsReceived, 1);
        Add(ref _bytesReceived, bytes);
    }

    internal void DatagramSent(int bytes)
    {
        Add(ref _datagramsSent, 1);
        Add(ref _bytesSent, bytes);
    }

    internal void DatagramDropped() => Add(ref _datagramsDropped, 1);

    internal void Round() => Add(ref _rounds, 1);

    internal void DescriptorOpened() => Volatile.Write(ref _descriptors, _descriptors + 1);

    internal void DescriptorClosed() => Volatile.Write(ref _descriptors, _descriptors - 1);

    // Interlocked, because other threads call this one.
    internal void Woken() => Interlocked.Increment(ref _wakes);

    private static void Add(ref long counter, long amount) => Volatile.Write(ref counter, counter + amount);
}
