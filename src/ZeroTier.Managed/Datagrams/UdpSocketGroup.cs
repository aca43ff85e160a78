using System.Net.Sockets;

namespace ZeroTier.Managed.Datagrams;

/// <summary>
/// The sockets of one socket number: a single one, or several on the same address and port, each with a receive thread. The system spreads
/// the sources among them (SO_REUSEPORT): datagrams of one source always arrive at the same socket, so their order is kept.
/// </summary>
/// <param name="sockets">At least one; all have the same address and counters.</param>
/// <param name="mayFragment">
/// Whether the system fragments what its link does not carry whole. Many paths lose fragments, and a probe that arrives in fragments says
/// nothing: so datagrams longer than Ethernet carries are then refused here, as the system should do.
/// </param>
internal sealed class UdpSocketGroup(IReadOnlyList<HostUdpSocket> sockets, bool mayFragment) : IAsyncDisposable
{
    // An Ethernet frame's payload without the headers of IPv6 and UDP.
    private const int LongestWhole = 1500 - 40 - 8;

    // Any of them could send; the others see the same source.
    private readonly HostUdpSocket _sender = sockets[0];

    public InetEndPoint LocalEndPoint => _sender.LocalEndPoint;

    public UdpCounters Counters => _sender.Counters;

    public bool SegmentationOffload => _sender.SegmentationOffload;

    public bool ReceiveCoalescing => sockets.All(socket => socket.ReceiveCoalescing);

    /// <summary>Starts the receive threads.</summary>
    public void Start(IDatagramReceiver receiver)
    {
        foreach (var socket in sockets)
        {
            socket.Start(receiver);
        }
    }

    /// <inheritdoc cref="HostUdpSocket.Send" />
    public void Send(in InetEndPoint destination, ReadOnlySpan<byte> datagrams, int segmentSize)
    {
        int longest = Math.Min(segmentSize, datagrams.Length);
        if (mayFragment && longest > LongestWhole)
        {
            _sender.SendFailed(SocketError.MessageSize, destination, longest);
        }
        else
        {
            _sender.Send(destination, datagrams, segmentSize);
        }
    }

    /// <inheritdoc cref="HostUdpSocket.SendWithHopLimit" />
    public void SendWithHopLimit(in InetEndPoint destination, ReadOnlySpan<byte> datagram, int hops) =>
        _sender.SendWithHopLimit(destination, datagram, hops);

    /// <summary>Ends the receive threads and closes the sockets.</summary>
    public async ValueTask DisposeAsync()
    {
        // The one through which the threads of all send is the last.
        foreach (var socket in sockets.Reverse())
        {
            await socket.DisposeAsync().ConfigureAwait(false);
        }
    }
}
