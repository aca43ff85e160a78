using ZeroTier.Managed.Datagrams;

namespace ZeroTier.Simulation;

/// <summary>The <see cref="IDatagramTransport"/> of a virtual host. It never delivers inside a send; one instant's datagrams form one batch.</summary>
public sealed class VirtualDatagramTransport : IDatagramTransport
{
    private readonly VirtualHost _host;
    private readonly VirtualSocket[] _sockets;

    internal VirtualDatagramTransport(VirtualHost host, List<InetEndPoint> endPoints)
    {
        _host = host;
        LocalEndPoints = endPoints;
        _sockets = [.. endPoints.Select((endPoint, index) => new VirtualSocket(this, host, endPoint, index))];
        foreach (var socket in _sockets)
        {
            host.Bind(socket);
        }
    }

    /// <inheritdoc />
    public IReadOnlyList<InetEndPoint> LocalEndPoints { get; }

    /// <summary>The host it belongs to.</summary>
    public VirtualHost Host => _host;

    internal IDatagramReceiver? Receiver { get; private set; }

    internal bool IsClosed { get; private set; }

    /// <inheritdoc />
    public void Start(IDatagramReceiver receiver)
    {
        ArgumentNullException.ThrowIfNull(receiver);
        if (Receiver is not null)
        {
            throw new InvalidOperationException("Started already.");
        }

        Receiver = receiver;
        foreach (var socket in _sockets)
        {
            socket.DeliverSoon();
        }
    }

    /// <inheritdoc />
    public void Send(int socket, in InetEndPoint destination, ReadOnlySpan<byte> datagrams, int segmentSize)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(segmentSize);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(datagrams.Length, 65507);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(datagrams.Length, 64L * segmentSize);
        while (!datagrams.IsEmpty)
        {
            int length = Math.Min(segmentSize, datagrams.Length);
            SendOne(socket, destination, datagrams[..length], 64);
            datagrams = datagrams[length..];
        }
    }

    /// <inheritdoc />
    public void SendWithHopLimit(int socket, in InetEndPoint destination, ReadOnlySpan<byte> datagram, int hops) =>
        SendOne(socket, destination, datagram, hops);

    /// <inheritdoc />
    public ValueTask DisposeAsync()
    {
        if (!IsClosed)
        {
            IsClosed = true;
            foreach (var socket in _sockets)
            {
                _host.Unbind(socket);
                socket.Clear();
            }
        }

        return ValueTask.CompletedTask;
    }

    private void SendOne(int socket, in InetEndPoint destination, ReadOnlySpan<byte> datagram, int hops)
    {
        if (!IsClosed)
        {
            _host.Network.Send(_host, _sockets[socket].EndPoint, destination, datagram, hops);
        }
    }
}

/// <summary>One bound address and port: collects what arrives in an instant and delivers it as a batch in the same instant.</summary>
internal sealed class VirtualSocket(VirtualDatagramTransport transport, VirtualHost host, InetEndPoint endPoint, int index) : IVirtualEvent
{
    private List<VirtualPacket> _arrived = [];
    private List<VirtualPacket> _delivering = [];
    private int _bytes;
    private bool _scheduled;

    public InetEndPoint EndPoint => endPoint;

    public void Arrive(VirtualPacket packet)
    {
        if (_bytes + packet.Length > host.ReceiveBufferBytes)
        {
            host.Network.Finish(packet, DatagramFate.QueueFull);
            return;
        }

        _bytes += packet.Length;
        _arrived.Add(packet);
        DeliverSoon();
    }

    /// <summary>Queues the delivery behind the arrivals that this instant already holds.</summary>
    public void DeliverSoon()
    {
        if (!_scheduled && _arrived.Count > 0 && transport.Receiver is not null)
        {
            _scheduled = true;
            host.Network.Clock.Schedule(TimeSpan.Zero, this, 0);
        }
    }

    public void Run(int version)
    {
        _scheduled = false;
        if (transport.IsClosed || transport.Receiver is not { } receiver)
        {
            return;
        }

        (_arrived, _delivering) = (_delivering, _arrived);
        _bytes = 0;
        foreach (var packet in _delivering)
        {
            if (transport.IsClosed)
            {
                host.Network.Finish(packet, DatagramFate.Unreachable);
                continue;
            }

            host.Network.Report(packet, DatagramFate.Delivered);
            receiver.OnDatagram(index, packet.Source, packet.Data);
            host.Network.Return(packet);
        }

        _delivering.Clear();
        if (!transport.IsClosed)
        {
            receiver.OnBatchEnd(index);
        }
    }

    public void Clear()
    {
        foreach (var packet in _arrived)
        {
            host.Network.Finish(packet, DatagramFate.Unreachable);
        }

        _arrived.Clear();
        _bytes = 0;
    }
}
