namespace ZeroTier.Managed.Vl1.Packets;

/// <summary>Datagrams and bytes sent and received by the transport. Thread-safe.</summary>
internal sealed class TrafficCounters
{
    private readonly StripedCounters _counters = new((int)Counter.Count);

    private enum Counter
    {
        DatagramsReceived,
        DatagramsSent,
        BytesReceived,
        BytesSent,
        Count,
    }

    public long DatagramsReceived => _counters[(int)Counter.DatagramsReceived];

    public long DatagramsSent => _counters[(int)Counter.DatagramsSent];

    public long BytesReceived => _counters[(int)Counter.BytesReceived];

    public long BytesSent => _counters[(int)Counter.BytesSent];

    internal void AddReceived(int bytes)
    {
        _counters.Add((int)Counter.DatagramsReceived, 1);
        _counters.Add((int)Counter.BytesReceived, bytes);
    }

    internal void AddSent(int datagrams, int bytes)
    {
        _counters.Add((int)Counter.DatagramsSent, datagrams);
        _counters.Add((int)Counter.BytesSent, bytes);
    }
}
