using ZeroTier.Managed;

namespace ZeroTier.SelfHosting;

/// <summary>A transport that discards what the layers above send to addresses other than 127.0.0.0/8 and ::1.</summary>
/// <remarks>With a loopback planet they send nothing else; this is a second safeguard.</remarks>
internal sealed class LoopbackTransport : IDatagramTransport
{
    private readonly IDatagramTransport _inner;
    private long _refused;

    public LoopbackTransport(IDatagramTransport inner) => _inner = inner;

    public IReadOnlyList<InetEndPoint> LocalEndPoints => _inner.LocalEndPoints;

    /// <summary>The number of sends that were discarded.</summary>
    public long Refused => Volatile.Read(ref _refused);

    public void Start(IDatagramReceiver receiver) => _inner.Start(receiver);

    public void Send(int socket, in InetEndPoint destination, ReadOnlySpan<byte> datagrams, int segmentSize)
    {
        if (MayReach(destination))
        {
            _inner.Send(socket, destination, datagrams, segmentSize);
        }
    }

    public void SendWithHopLimit(int socket, in InetEndPoint destination, ReadOnlySpan<byte> datagram, int hops)
    {
        if (MayReach(destination))
        {
            _inner.SendWithHopLimit(socket, destination, datagram, hops);
        }
    }

    public ValueTask DisposeAsync() => _inner.DisposeAsync();

    private bool MayReach(in InetEndPoint destination)
    {
        if (destination.IsLoopback)
        {
            return true;
        }

        Interlocked.Increment(ref _refused);
        return false;
    }
}
