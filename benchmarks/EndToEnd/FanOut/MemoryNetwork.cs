using System.Collections.Concurrent;
using System.Net;
using System.Threading.Channels;
using ZeroTier.Managed;

namespace EndToEnd.FanOut;

/// <summary>The physical network of nodes in one process: one task delivers what they send, until a host takes it over.</summary>
internal sealed class MemoryNetwork
{
    private readonly ConcurrentDictionary<InetEndPoint, Host> _hosts = new();
    private readonly Channel<(InetEndPoint From, InetEndPoint To, byte[] Data)> _wire =
        Channel.CreateUnbounded<(InetEndPoint, InetEndPoint, byte[])>();

    public MemoryNetwork() => _ = DeliverAsync();

    /// <summary>Adds a host at an address of loopback.</summary>
    public Host AddHost()
    {
        var endPoint = InetEndPoint.From(new IPEndPoint(IPAddress.Loopback, _hosts.Count + 1));
        return _hosts[endPoint] = new Host(this, endPoint);
    }

    private async Task DeliverAsync()
    {
        await foreach (var (from, to, data) in _wire.Reader.ReadAllAsync())
        {
            if (_hosts.TryGetValue(to, out var host) && host.Receiver is { } receiver)
            {
                receiver.OnDatagram(0, from, data);
                receiver.OnBatchEnd(0);
            }
        }
    }

    /// <summary>A node's place on the network.</summary>
    internal sealed class Host(MemoryNetwork network, InetEndPoint endPoint) : IDatagramTransport
    {
        private volatile ConcurrentQueue<byte[]>? _recording;
        private volatile bool _discards;

        public IReadOnlyList<InetEndPoint> LocalEndPoints { get; } = [endPoint];

        /// <summary>Null until the node starts.</summary>
        public IDatagramReceiver? Receiver { get; private set; }

        public void Start(IDatagramReceiver receiver) => Receiver = receiver;

        /// <summary>Keeps what the node sends from now on, instead of delivering it.</summary>
        public ConcurrentQueue<byte[]> Record()
        {
            _discards = false;
            return _recording = new();
        }

        /// <summary>Drops what the node sends from now on.</summary>
        public void Discard() => _discards = true;

        public void Send(int socket, in InetEndPoint destination, ReadOnlySpan<byte> datagrams, int segmentSize)
        {
            if (_discards)
            {
                return;
            }

            for (; datagrams.Length > segmentSize; datagrams = datagrams[segmentSize..])
            {
                SendOne(destination, datagrams[..segmentSize]);
            }

            SendOne(destination, datagrams);
        }

        public void SendWithHopLimit(int socket, in InetEndPoint destination, ReadOnlySpan<byte> datagram, int hops) =>
            SendOne(destination, datagram);

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;

        private void SendOne(in InetEndPoint destination, ReadOnlySpan<byte> datagram)
        {
            if (_recording is { } recording)
            {
                recording.Enqueue(datagram.ToArray());
            }
            else
            {
                network._wire.Writer.TryWrite((LocalEndPoints[0], destination, datagram.ToArray()));
            }
        }
    }
}
