using System.Collections.Concurrent;
using ZeroTier.Managed;

namespace ZeroTier.SelfHosting.Tests;

/// <summary>Real loopback sockets that remember every destination.</summary>
internal sealed class RecordingTransport(int port) : IDatagramTransport
{
    private readonly UdpDatagramTransport _inner = UdpDatagramTransport.Open(
        new UdpDatagramTransportOptions { Port = port, LoopbackOnly = true });

    public static ConcurrentQueue<InetEndPoint> Destinations { get; } = new();

    public IReadOnlyList<InetEndPoint> LocalEndPoints => _inner.LocalEndPoints;

    public void Start(IDatagramReceiver receiver) => _inner.Start(receiver);

    public void Send(int socket, in InetEndPoint destination, ReadOnlySpan<byte> datagrams, int segmentSize)
    {
        Destinations.Enqueue(destination);
        _inner.Send(socket, destination, datagrams, segmentSize);
    }

    public void SendWithHopLimit(int socket, in InetEndPoint destination, ReadOnlySpan<byte> datagram, int hops)
    {
        Destinations.Enqueue(destination);
        _inner.SendWithHopLimit(socket, destination, datagram, hops);
    }

    public ValueTask DisposeAsync() => _inner.DisposeAsync();
}
