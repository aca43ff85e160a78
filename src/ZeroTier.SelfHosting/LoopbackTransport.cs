using ZeroTier.Managed;

namespace ZeroTier.SelfHosting;

/// <summary>A transport that sends to 127.0.0.0/8 and ::1 and nowhere else, whatever the layers above ask for.</summary>
/// <remarks>On a loopback planet they never do; this is a second safeguard.</remarks>
internal sealed class LoopbackTransport : IDatagramTransport
{
    private readonly IDatagramTransport _inner;
    private long _refused;

    public LoopbackTransport(IDatagramTransport inner) => _inner = inner;

    public IReadOnlyList<InetEndPoint> LocalEndPoints => _inner.LocalEndPoints;

    /// <summary>Sends that were refused.</summary>
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
