namespace ZeroTier.Managed.Tests.Vl1;

/// <summary>A transport that goes nowhere and keeps what was sent, cut into datagrams.</summary>
internal sealed class RecordingTransport(IReadOnlyList<InetEndPoint> localEndPoints) : IDatagramTransport
{
    public List<(int Socket, InetEndPoint To, byte[] Data, int Hops)> Sent { get; } = [];

    public List<(int Bytes, int Segment)> Calls { get; } = [];

    /// <summary>Off for measuring: then nothing is kept.</summary>
    public bool Keep { get; set; } = true;

    public IReadOnlyList<InetEndPoint> LocalEndPoints => localEndPoints;

    public void Start(IDatagramReceiver receiver)
    {
    }

    public void Send(int socket, in InetEndPoint destination, ReadOnlySpan<byte> datagrams, int segmentSize)
    {
        if (!Keep)
        {
            return;
        }

        Assert.InRange(datagrams.Length, 1, 65_507);
        Assert.InRange(segmentSize, 1, datagrams.Length);
        Assert.InRange((datagrams.Length + segmentSize - 1) / segmentSize, 1, 64);
        Calls.Add((datagrams.Length, segmentSize));
        for (; !datagrams.IsEmpty; datagrams = datagrams[Math.Min(segmentSize, datagrams.Length)..])
        {
            Sent.Add((socket, destination, datagrams[..Math.Min(segmentSize, datagrams.Length)].ToArray(), 64));
        }
    }

    public void SendWithHopLimit(int socket, in InetEndPoint destination, ReadOnlySpan<byte> datagram, int hops) =>
        Sent.Add((socket, destination, datagram.ToArray(), hops));

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
