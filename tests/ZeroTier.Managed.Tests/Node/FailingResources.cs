namespace ZeroTier.Managed.Tests.Node;

/// <summary>Clock, chance and transport that count what is open, and fail at a chosen step.</summary>
internal sealed class FailingResources(int failAt)
{
    private int _steps;
    private int _openTimers;
    private int _openTransports;

    public int OpenTimers => Volatile.Read(ref _openTimers);

    public int OpenTransports => Volatile.Read(ref _openTransports);

    public bool HasFailed => Volatile.Read(ref _steps) >= failAt;

    /// <summary>Transports fail once they are closed.</summary>
    public bool FailsToClose { get; init; }

    public TimeProvider Time => new FailingTime(this);

    public RandomSource Random => new FailingRandom(this);

    public IDatagramTransport OpenTransport()
    {
        Step("opening the transport");
        return new CountedTransport(this, UdpDatagramTransport.Open(new UdpDatagramTransportOptions { LoopbackOnly = true }));
    }

    private void Step(string what)
    {
        if (Interlocked.Increment(ref _steps) == failAt)
        {
            throw new StepFailedException($"Step {failAt}, {what}, fails.");
        }
    }

    public sealed class StepFailedException(string message) : Exception(message);

    private sealed class FailingTime(FailingResources owner) : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            owner.Step("making a timer");
            Interlocked.Increment(ref owner._openTimers);
            return new CountedTimer(owner, base.CreateTimer(callback, state, dueTime, period));
        }
    }

    private sealed class CountedTimer(FailingResources owner, ITimer timer) : ITimer
    {
        private int _disposed;

        public bool Change(TimeSpan dueTime, TimeSpan period) => timer.Change(dueTime, period);

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _disposed, 1) == 0)
            {
                Interlocked.Decrement(ref owner._openTimers);
                timer.Dispose();
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }

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
