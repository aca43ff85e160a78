using System.Threading.Channels;

namespace ZeroTier.Controller;

/// <summary>A subscription to the events of a controller since it was opened. For one reader; disposing ends it.</summary>
public sealed class ControllerSubscription : IDisposable
{
    /// <summary>
    /// The length of the queue. When it is full, the oldest event is dropped, which <see cref="Missed"/> and a gap in
    /// <see cref="ControllerEvent.Sequence"/> reveal.
    /// </summary>
    public const int MaxWaiting = 4096;

    private readonly Channel<ControllerEvent> _events;
    private readonly Action<ControllerSubscription> _end;
    private long _missed;

    internal ControllerSubscription(Action<ControllerSubscription> end)
    {
        _end = end;
        _events = Channel.CreateBounded<ControllerEvent>(
            new BoundedChannelOptions(MaxWaiting) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true }, _ =>
                Interlocked.Increment(ref _missed));
    }

    /// <summary>The number of events dropped because the queue was full.</summary>
    public long Missed => Interlocked.Read(ref _missed);

    /// <summary>The events, in order; ends when the subscription or the controller is disposed.</summary>
    /// <param name="cancellationToken">Ends the reading.</param>
    public IAsyncEnumerable<ControllerEvent> ReadAllAsync(CancellationToken cancellationToken = default) =>
        _events.Reader.ReadAllAsync(cancellationToken);

    /// <summary>Takes the next queued event; false when there is none.</summary>
    public bool TryRead([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out ControllerEvent? controllerEvent) =>
        _events.Reader.TryRead(out controllerEvent);

    /// <summary>Ends the subscription.</summary>
    public void Dispose()
    {
        _end(this);
        Complete();
    }

    internal void Add(ControllerEvent controllerEvent) => _events.Writer.TryWrite(controllerEvent);

    internal void Complete() => _events.Writer.TryComplete();
}
