namespace ZeroTier.Managed.Tests.Node;

/// <summary>Clock, chance and transport that count what is open, and fail at a chosen step.</summary>
internal sealed class FailingResources
{
    private readonly int _failAt;
    private int _steps;
    private int _openTransports;

    public FailingResources(int failAt)
    {
        _failAt = failAt;
        Time = new ObservedTime
        {
            Start = (due, period) =>
            {
                Step("making a timer");
                return (due, period);
            },
        };
    }

    public int OpenTimers => Time.ActiveTimers;

    public int OpenTransports => Volatile.Read(ref _openTransports);

    public bool HasFailed => Volatile.Read(ref _steps) >= _failAt;

    /// <summary>Transports fail once they are closed.</summary>
    public bool FailsToClose { get; init; }

    public ObservedTime Time { get; }

    public RandomSource Random => new FailingRandom(this);

    public IDatagramTransport OpenTransport()
    {
        Step("opening the transport");
        return new CountedTransport(this, UdpDatagramTransport.Open(new UdpDatagramTransportOptions { LoopbackOnly = true }));
    }

    private void Step(string what)
    {
        if (Interlocked.Increment(ref _steps) == _failAt)
        {
            throw new StepFailedException($"Step {_failAt}, {what}, fails.");
        }
    }

    public sealed class StepFailedException(string message) : Exception(message);

    private sealed class FailingRandom(FailingResources owner) : RandomSource
    {
        private int _calls;

        public override void Fill(Span<byte> destination)
        {
            // The first draws decide about identifiers and keys at the start; later ones come from other threads at any time.
            if (Interlocked.Increment(ref _calls) <= 3)
            {
                owner.Step("drawing random bytes");
            }

            System.Fill(destination);
        }
    }

    private sealed class CountedTransport : IDatagramTransport
    {
        private readonly FailingResources _owner;
        private readonly UdpDatagramTransport _inner;
        private int _disposed;

        public CountedTransport(FailingResources owner, UdpDatagramTransport inner)
        {
            _owner = owner;
            _inner = inner;
            Interlocked.Increment(ref owner._openTransports);
        }

        public IReadOnlyList<InetEndPoint> LocalEndPoints => _inner.LocalEndPoints;

        public void Start(IDatagramReceiver receiver)
        {
            _owner.Step("starting the transport");
            _inner.Start(receiver);
        }

        public void Send(int socket, in InetEndPoint destination, ReadOnlySpan<byte> datagrams, int segmentSize) =>
            _inner.Send(socket, destination, datagrams, segmentSize);

        public void SendWithHopLimit(int socket, in InetEndPoint destination, ReadOnlySpan<byte> datagram, int hops) =>
            _inner.SendWithHopLimit(socket, destination, datagram, hops);

        public async ValueTask DisposeAsync()
        {
            await _inner.DisposeAsync();
            if (Interlocked.Exchange(ref _disposed, 1) == 0)
            {
                Interlocked.Decrement(ref _owner._openTransports);
            }

            if (_owner.FailsToClose)
            {
                throw new StepFailedException("The transport fails to close.");
            }
        }
    }
}
