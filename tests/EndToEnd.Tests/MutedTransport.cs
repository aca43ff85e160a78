using ZeroTier.Managed;

namespace EndToEnd.Tests;

/// <summary>Loopback UDP that falls silent at a word, as when the process is killed: not even a reset leaves it.</summary>
internal sealed class MutedTransport : IDatagramTransport, IDatagramReceiver
{
    private readonly UdpDatagramTransport _inner = UdpDatagramTransport.Open(new UdpDatagramTransportOptions { LoopbackOnly = true });
    private IDatagramReceiver? _receiver;

    public volatile bool Dead;

    public IReadOnlyList<InetEndPoint> LocalEndPoints => _inner.LocalEndPoints;

    public void Start(IDatagramReceiver receiver)
    {
        _receiver = receiver;
        _inner.Start(this);
    }

    public void Send(int socket, in InetEndPoint destination, ReadOnlySpan<byte> datagrams, int segmentSize)
    {
        if (!Dead)
        {
            _inner.Send(socket, destination, datagrams, segmentSize);
        }
    }

    public void SendWithHopLimit(int socket, in InetEndPoint destination, ReadOnlySpan<byte> datagram, int hops)
    {
        if (!Dead)
        {
            _inner.SendWithHopLimit(socket, destination, datagram, hops);
        }
    }

    public void OnDatagram(int socket, in InetEndPoint source, Span<byte> datagram)
    {
        if (!Dead)
        {
            _receiver!.OnDatagram(socket, source, datagram);
        }
    }

    public void OnBatchEnd(int socket) => _receiver!.OnBatchEnd(socket);

    public ValueTask DisposeAsync() => _inner.DisposeAsync();
}
