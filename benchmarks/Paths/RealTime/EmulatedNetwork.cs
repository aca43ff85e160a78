using System.Collections.Concurrent;
using System.Net;
using ZeroTier.Managed;

namespace Paths.RealTime;

/// <summary>
/// The physical network of nodes in one process, without sockets. What a node sends travels over its own link and is then received on the
/// thread of that link, as the kernel's TCP receives what is written to a tun device. It lives as long as the process.
/// </summary>
internal sealed class EmulatedNetwork
{
    private readonly ConcurrentDictionary<InetEndPoint, Host> _hosts = new();
    private int _port;

    /// <summary>Adds a host at an address of loopback.</summary>
    public Host AddHost()
    {
        var endPoint = InetEndPoint.From(new IPEndPoint(IPAddress.Loopback, ++_port));
        return _hosts[endPoint] = new Host(this, endPoint);
    }

    /// <summary>A node's place on the network.</summary>
    internal sealed class Host : IDatagramTransport
    {
        private const int Ipv4AndUdpHeaders = 20 + 8;
        private readonly EmulatedNetwork _network;
        private readonly InetEndPoint _endPoint;
        private readonly Lock _receiving = new();
        private IDatagramReceiver? _receiver;
        private Host? _delivering;

        public Host(EmulatedNetwork network, InetEndPoint endPoint)
        {
            _network = network;
            _endPoint = endPoint;
            LocalEndPoints = [endPoint];
            Link = new EmulatedLink(Ipv4AndUdpHeaders, Deliver, EndBatch);
        }

        /// <summary>What the host sends travels here.</summary>
        public EmulatedLink Link { get; }

        public IReadOnlyList<InetEndPoint> LocalEndPoints { get; }

        public void Start(IDatagramReceiver receiver) => _receiver = receiver;

        public void Send(int socket, in InetEndPoint destination, ReadOnlySpan<byte> datagrams, int segmentSize)
        {
            for (; datagrams.Length > segmentSize; datagrams = datagrams[segmentSize..])
            {
                Link.Send(datagrams[..segmentSize], destination);
            }

            Link.Send(datagrams, destination);
        }

        public void SendWithHopLimit(int socket, in InetEndPoint destination, ReadOnlySpan<byte> datagram, int hops) =>
            Link.Send(datagram, destination);

        public ValueTask DisposeAsync()
        {
            lock (_receiving)
            {
                _receiver = null;
            }

            return ValueTask.CompletedTask;
        }

        private void Deliver(EmulatedPacket packet)
        {
            var to = _network._hosts.GetValueOrDefault(packet.Destination);
            if (to != _delivering)
            {
                EndBatch();
                _delivering = to;
            }

            to?.Receive(_endPoint, packet.Data);
        }

        private void EndBatch()
        {
            _delivering?.EndReceiving();
            _delivering = null;
        }

        // The links of several hosts end here, and one thread at a time may deliver.
        private void Receive(in InetEndPoint source, Span<byte> datagram)
        {
            lock (_receiving)
            {
                _receiver?.OnDatagram(0, source, datagram);
            }
        }

        private void EndReceiving()
        {
            lock (_receiving)
            {
                _receiver?.OnBatchEnd(0);
            }
        }
    }
}
