using System.Collections.Concurrent;
using ZeroTier.Managed;

namespace Kestrel.Transport.ZeroTier.Tests.Engines;

/// <summary>Datagrams between transports in memory, with delay and seeded loss, on real threads.</summary>
internal sealed class LossyWire(TimeProvider time, int seed)
{
    private readonly ConcurrentDictionary<InetEndPoint, Transport> _transports = new();
    private readonly TimeProvider _time = time;
    private readonly Lock _gate = new();
    private readonly Random _random = new(seed);

    public TimeSpan Delay { get; set; } = TimeSpan.FromMilliseconds(1);

    public double Loss { get; set; }

    public int Lost { get; private set; }

    public IDatagramTransport Open(InetEndPoint address) => new Transport(this, address);

    private bool IsLost()
    {
        lock (_gate)
        {
            bool lost = _random.NextDouble() < Loss;
            Lost += lost ? 1 : 0;
            return lost;
        }
    }

    private sealed class Transport : IDatagramTransport
    {
        private readonly LossyWire _wire;
        private readonly InetEndPoint _address;
        // Held while the receiver is called; the queue's own lock is inside it and never held meanwhile.
        private readonly Lock _delivering = new();
        private readonly Queue<(InetEndPoint Source, byte[] Data)> _inFlight = new();
        private readonly ConcurrentDictionary<ITimer, bool> _timers = new();
        private IDatagramReceiver? _receiver;

        public Transport(LossyWire wire, InetEndPoint address)
        {
            _wire = wire;
            _address = address;
            Assert.True(wire._transports.TryAdd(address, this), "The address is taken.");
        }

        public IReadOnlyList<InetEndPoint> LocalEndPoints => [_address];

        public void Start(IDatagramReceiver receiver) => _receiver = receiver;

        public void Send(int socket, in InetEndPoint destination, ReadOnlySpan<byte> datagrams, int segmentSize)
        {
            for (; !datagrams.IsEmpty; datagrams = datagrams[Math.Min(segmentSize, datagrams.Length)..])
            {
                if (_wire._transports.TryGetValue(destination, out var target) && !_wire.IsLost())
                {
                    target.DeliverLater(_address, datagrams[..Math.Min(segmentSize, datagrams.Length)].ToArray());
                }
            }
        }

        public void SendWithHopLimit(int socket, in InetEndPoint destination, ReadOnlySpan<byte> datagram, int hops)
        {
        }

        public ValueTask DisposeAsync()
        {
            _wire._transports.TryRemove(_address, out _);
            _receiver = null;
            return ValueTask.CompletedTask;
        }

        private void DeliverLater(InetEndPoint source, byte[] data)
        {
            lock (_inFlight)
            {
                _inFlight.Enqueue((source, data));
            }

            // Each timer delivers the oldest: nobody overtakes.
            ITimer? timer = null;
            timer = _wire._time.CreateTimer(_ => Deliver(timer), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            _timers.TryAdd(timer, true);
            timer.Change(_wire.Delay, Timeout.InfiniteTimeSpan);
        }

        private void Deliver(ITimer? timer)
        {
            timer!.Dispose();
            _timers.TryRemove(timer, out _);
            lock (_delivering)
            {
                (InetEndPoint Source, byte[] Data) next;
                lock (_inFlight)
                {
                    next = _inFlight.Dequeue();
                }

                _receiver?.OnDatagram(0, next.Source, next.Data);
                _receiver?.OnBatchEnd(0);
            }
        }
    }
}
