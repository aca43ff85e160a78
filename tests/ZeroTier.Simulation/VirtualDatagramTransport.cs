using System.Net.Sockets;
using ZeroTier.Managed;

namespace ZeroTier.Simulation;

/// <summary>
/// The <see cref="IDatagramTransport"/> of a virtual host. It never delivers inside a send; one instant's datagrams form one batch.
/// </summary>
public sealed class VirtualDatagramTransport : IDatagramTransport
{
    private readonly VirtualHost _host;
    private readonly ushort _port;
    private readonly List<VirtualSocket?> _sockets;
    private readonly List<AddressFamily> _families;

    internal VirtualDatagramTransport(VirtualHost host, List<InetEndPoint> endPoints)
    {
        _host = host;
        _port = endPoints[0].Port;
        LocalEndPoints = endPoints;
        _sockets = [.. endPoints.Select((endPoint, index) => new VirtualSocket(this, host, endPoint, index))];
        _families = [.. endPoints.Select(endPoint => endPoint.Family)];
        foreach (var socket in _sockets)
        {
            host.Bind(socket!);
        }
    }

    /// <inheritdoc />
    public IReadOnlyList<InetEndPoint> LocalEndPoints { get; private set; }

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
            socket?.DeliverSoon();
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
                Close(socket);
            }

            _host.Remove(this);
        }

        return ValueTask.CompletedTask;
    }

    internal void LoseAddress(InetEndPoint address)
    {
        for (int i = 0; i < _sockets.Count; i++)
        {
            if (_sockets[i] is { } socket && socket.EndPoint.HasSameAddress(address))
            {
                Close(socket);
                _sockets[i] = null;
                LocalEndPoints = [.. _sockets.Select(open => open?.EndPoint ?? default)];
            }
        }
    }

    /// <summary>Opens the address on the port of the others, under a number that has none.</summary>
    internal void GainAddress(InetEndPoint address)
    {
        int number = Enumerable.Range(0, _sockets.Count).FirstOrDefault(i => _sockets[i] is null && _families[i] == address.Family, -1);
        var socket = new VirtualSocket(this, _host, address.WithPort(_port), number < 0 ? _sockets.Count : number);
        _host.Bind(socket);
        if (number < 0)
        {
            _sockets.Add(socket);
            _families.Add(address.Family);
        }
        else
        {
            _sockets[number] = socket;
        }

        LocalEndPoints = [.. _sockets.Select(open => open?.EndPoint ?? default)];
    }

    private void Close(VirtualSocket? socket)
    {
        if (socket is not null)
        {
            _host.Unbind(socket);
            socket.Clear();
        }
    }

    private void SendOne(int socket, in InetEndPoint destination, ReadOnlySpan<byte> datagram, int hops)
    {
        if (!IsClosed && _sockets[socket] is { } open)
        {
            _host.Network.Send(_host, open.EndPoint, destination, datagram, hops);
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
