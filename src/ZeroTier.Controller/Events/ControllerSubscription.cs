using System.Threading.Channels;

namespace ZeroTier.Controller;

/// <summary>Events of a controller, from the moment of subscribing on. For one reader; disposing ends it.</summary>
public sealed class ControllerSubscription : IDisposable
{
    /// <summary>Events that wait for the reader at most. Beyond them the oldest are lost, which <see cref="Missed"/> and a gap of
    /// <see cref="ControllerEvent.Sequence"/> show.</summary>
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

    /// <summary>Events that were lost because the reader was too slow.</summary>
    public long Missed => Interlocked.Read(ref _missed);

    /// <summary>The events as they come; ends when the subscription or the controller is disposed of.</summary>
    /// <param name="cancellationToken">Ends the reading.</param>
    public IAsyncEnumerable<ControllerEvent> ReadAllAsync(CancellationToken cancellationToken = default) =>
        _events.Reader.ReadAllAsync(cancellationToken);

    /// <summary>Takes an event that waits; false where none does.</summary>
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
