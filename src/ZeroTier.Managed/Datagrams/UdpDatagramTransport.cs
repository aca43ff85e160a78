using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace ZeroTier.Managed.Datagrams;

/// <summary>
/// The physical network of real nodes: one UDP socket per local address, all on one port. On 64-bit Linux with segmentation offload and receive
/// coalescing where the kernel has them, elsewhere on .NET sockets. Thread-safe.
/// </summary>
public sealed class UdpDatagramTransport : IDatagramTransport
{
    private const int MaximumPayload = 65507;
    private const int MaximumSegments = 64;
    private readonly UdpSocket[] _sockets;
    private int _started;

    private UdpDatagramTransport(List<UdpSocket> sockets)
    {
        _sockets = [.. sockets];
        LocalEndPoints = [.. sockets.Select(s => s.LocalEndPoint)];
    }

    /// <inheritdoc />
    public IReadOnlyList<InetEndPoint> LocalEndPoints { get; }

    /// <summary>True while every socket sends runs of datagrams with segmentation offload.</summary>
    public bool UsesSegmentationOffload => _sockets.All(s => s.SegmentationOffload);

    /// <summary>True when every socket receives runs of datagrams coalesced.</summary>
    public bool UsesReceiveCoalescing => _sockets.All(s => s.ReceiveCoalescing);

    /// <summary>What was sent and received so far.</summary>
    public UdpDatagramStatistics Statistics
    {
        get
        {
            var sum = default(UdpDatagramStatistics);
            foreach (var socket in _sockets)
            {
                sum = socket.Counters.AddTo(sum);
            }

            return sum;
        }
    }

    /// <summary>Binds the sockets. Nothing is received before <see cref="Start"/>.</summary>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    /// <exception cref="ZeroTierException"><see cref="ZeroTierError.Underlay"/>: the port is taken, or an address is not this machine's; everything opened is closed again.</exception>
    public static UdpDatagramTransport Open(UdpDatagramTransportOptions options) => Open(options, LinuxUdpCalls.Instance);

    internal static UdpDatagramTransport Open(UdpDatagramTransportOptions options, ILinuxUdpCalls calls)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new UdpDatagramTransport(UdpBinding.Bind(options, calls));
    }

    /// <inheritdoc />
    public void Start(IDatagramReceiver receiver)
    {
        ArgumentNullException.ThrowIfNull(receiver);
        if (Interlocked.Exchange(ref _started, 1) != 0)
        {
            throw new InvalidOperationException("The transport was started already.");
        }

        foreach (var socket in _sockets)
        {
            socket.Start(receiver);
        }
    }

    /// <inheritdoc />
    public void Send(int socket, in InetEndPoint destination, ReadOnlySpan<byte> datagrams, int segmentSize)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(segmentSize);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(datagrams.Length, MaximumPayload);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(datagrams.Length, (long)MaximumSegments * segmentSize, nameof(datagrams));
        var target = _sockets[socket];
        if (CanReach(target, destination, (datagrams.Length + segmentSize - 1) / segmentSize))
        {
            target.Send(destination, datagrams, segmentSize);
        }
    }

    /// <inheritdoc />
    public void SendWithHopLimit(int socket, in InetEndPoint destination, ReadOnlySpan<byte> datagram, int hops)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(hops);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(hops, 255);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(datagram.Length, MaximumPayload);
        var target = _sockets[socket];
        if (CanReach(target, destination, 1))
        {
            target.SendWithHopLimit(destination, datagram, hops);
        }
    }

    /// <summary>Ends the receive threads and closes the sockets. No delivery runs any more when it completes.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var socket in _sockets)
        {
            await socket.DisposeAsync().ConfigureAwait(false);
        }
    }

    private static bool CanReach(UdpSocket socket, in InetEndPoint destination, int datagrams)
    {
        // Port 0 cannot be sent to; a peer's claim may still name it.
        if (destination.Family == socket.LocalEndPoint.Family && destination.Port != 0)
        {
            return true;
        }

        socket.Counters.SendFailed(SocketError.AddressFamilyNotSupported, datagrams);
        return false;
    }
}
