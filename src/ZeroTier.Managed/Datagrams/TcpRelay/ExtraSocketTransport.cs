using Microsoft.Extensions.Logging;

namespace ZeroTier.Managed.Datagrams.TcpRelay;

/// <summary>
/// Adds a socket to another transport: number 0, whose datagrams are not sent by UDP. The other transport's sockets follow it. VL1 finds
/// paths over it as over any other socket. While it is closed it has no address, like a UDP socket whose address the machine has lost.
/// </summary>
/// <remarks>Several connections may deliver on it at the same time, which receivers allow, as they do for several sockets.</remarks>
internal abstract class ExtraSocketTransport(IDatagramTransport inner, ILogger log) : IDatagramTransport
{
    /// <summary>The number of the additional socket.</summary>
    public const int Number = 0;

    // The endpoint of the open socket: not an address of this machine, and never announced to other nodes.
    private static readonly InetEndPoint s_open = InetEndPoint.FromBytes([0, 0, 0, 0], 0);
    private volatile Listing _listing = new([], false);
    private volatile bool _isOpen;
    private IDatagramReceiver _receiver = null!;
    private bool _disposed;

    public IReadOnlyList<InetEndPoint> LocalEndPoints
    {
        get
        {
            var listing = _listing;
            var others = inner.LocalEndPoints;
            bool isOpen = _isOpen;
            if (!ReferenceEquals(listing.Others, others) || listing.IsOpen != isOpen)
            {
                _listing = listing = new Listing(others, isOpen);
            }

            return listing.All;
        }
    }

    /// <summary>The logger, which never throws.</summary>
    protected ILogger Log => log;

    protected bool IsOpen
    {
        get => _isOpen;
        set => _isOpen = value;
    }

    public void Start(IDatagramReceiver receiver)
    {
        _receiver = receiver;
        inner.Start(new Shift(receiver));
        StartExtra();
    }

    public void Send(int socket, in InetEndPoint destination, ReadOnlySpan<byte> datagrams, int segmentSize)
    {
        if (socket != Number)
        {
            inner.Send(socket - 1, destination, datagrams, segmentSize);
            return;
        }

        for (; !datagrams.IsEmpty; datagrams = datagrams[Math.Min(segmentSize, datagrams.Length)..])
        {
            SendExtra(destination, datagrams[..Math.Min(segmentSize, datagrams.Length)]);
        }
    }

    public void SendWithHopLimit(int socket, in InetEndPoint destination, ReadOnlySpan<byte> datagram, int hops)
    {
        // Over TCP there is no hop limit, so a datagram that must not reach its destination is not sent.
        if (socket != Number)
        {
            inner.SendWithHopLimit(socket - 1, destination, datagram, hops);
        }
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            if (!Interlocked.Exchange(ref _disposed, true))
            {
                await DisposeExtraAsync().ConfigureAwait(false);
            }
        }
        finally
        {
            await inner.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Delivers a datagram received on the additional socket.</summary>
    protected void Deliver(in InetEndPoint source, Span<byte> datagram)
    {
        try
        {
            _receiver.OnDatagram(Number, source, datagram);
        }
#pragma warning disable CA1031 // As with UDP, an error in handling a datagram must not end the connection from which it was received.
        catch (Exception e)
#pragma warning restore CA1031
        {
            UdpLog.ReceiverThrew(log, e, source);
        }
    }

    /// <summary>Ends a batch of datagrams received on the additional socket.</summary>
    protected void EndBatch()
    {
        try
        {
            _receiver.OnBatchEnd(Number);
        }
#pragma warning disable CA1031 // As above.
        catch (Exception e)
#pragma warning restore CA1031
        {
            UdpLog.ReceiverThrew(log, e, s_open);
        }
    }

    /// <summary>Called once when delivery may start.</summary>
    protected abstract void StartExtra();

    /// <summary>Sends one datagram on the additional socket; it may be lost.</summary>
    protected abstract void SendExtra(in InetEndPoint destination, ReadOnlySpan<byte> datagram);

    /// <summary>Closes the additional socket. When it completes, nothing more is delivered on it.</summary>
    protected abstract ValueTask DisposeExtraAsync();

    private sealed class Listing(IReadOnlyList<InetEndPoint> others, bool isOpen)
    {
        public IReadOnlyList<InetEndPoint> Others => others;

        public bool IsOpen => isOpen;

        public IReadOnlyList<InetEndPoint> All { get; } = [isOpen ? s_open : default, .. others];
    }

    private sealed class Shift(IDatagramReceiver receiver) : IDatagramReceiver
    {
        public void OnDatagram(int socket, in InetEndPoint source, Span<byte> datagram) =>
            receiver.OnDatagram(socket + 1, source, datagram);

        public void OnRefused(int socket, in InetEndPoint destination, int size) => receiver.OnRefused(socket + 1, destination, size);

        public void OnBatchEnd(int socket) => receiver.OnBatchEnd(socket + 1);
    }
}
