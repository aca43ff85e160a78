namespace ZeroTier.Controller.Events;

/// <summary>Distributes events to subscribers, in the same order for all.</summary>
internal sealed class EventHub(TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly List<ControllerSubscription> _subscriptions = [];
    private long _sequence;
    private bool _ended;

    public ControllerSubscription Subscribe()
    {
        var subscription = new ControllerSubscription(Remove);
        lock (_lock)
        {
            if (_ended)
            {
                subscription.Complete();
            }
            else
            {
                _subscriptions.Add(subscription);
            }
        }

        return subscription;
    }

    // Writing under the lock is safe: channels run their readers' continuations asynchronously.
    public void Publish(ControllerEvent controllerEvent)
    {
        lock (_lock)
        {
            controllerEvent = controllerEvent with { Sequence = ++_sequence, Time = time.GetUtcNow() };
            foreach (ControllerSubscription subscription in _subscriptions)
            {
                subscription.Add(controllerEvent);
            }
        }
    }

    public void End()
    {
        lock (_lock)
        {
            _ended = true;
            _subscriptions.ForEach(s => s.Complete());
            _subscriptions.Clear();
        }
    }

    private void Remove(ControllerSubscription subscription)
    {
        lock (_lock)
        {
            _subscriptions.Remove(subscription);
        }
    }
}
