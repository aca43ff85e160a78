namespace ZeroTier.Managed.Vl1.Packets;

/// <summary>Datagrams and bytes sent and received by the transport. Thread-safe.</summary>
internal sealed class TrafficCounters
{
    private long _datagramsReceived;
    private long _datagramsSent;
    private long _bytesReceived;
    private long _bytesSent;

    public long DatagramsReceived => Volatile.Read(ref _datagramsReceived);

    public long DatagramsSent => Volatile.Read(ref _datagramsSent);

    public long BytesReceived => Volatile.Read(ref _bytesReceived);

    public long BytesSent => Volatile.Read(ref _bytesSent);

    internal void AddReceived(int bytes)
    {
        Interlocked.Increment(ref _datagramsReceived);
        Interlocked.Add(ref _bytesReceived, bytes);
    }

    internal void AddSent(int datagrams, int bytes)
    {
        Interlocked.Add(ref _datagramsSent, datagrams);
        Interlocked.Add(ref _bytesSent, bytes);
    }
}
