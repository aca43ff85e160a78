using System.Diagnostics.CodeAnalysis;

namespace ZeroTier.Managed.Vl1;

/// <content>The first HELLOs to roots: one may be lost, or come while the root has too many of them. After the last of these the ping check goes on every 5
/// s.</content>
internal sealed partial class Vl1Node
{
    // Sent at 0.25, 0.5, 1 and 2 s, each pause up to a fifth longer or shorter, so that nodes that were started together do not stay together.
    private static ReadOnlySpan<int> GreetingPauses => [250, 250, 500, 1000];

    private ITimer? _greeting;
    private int _greetings;

    private void ScheduleGreeting()
    {
        if (_greetings < GreetingPauses.Length)
        {
            int pause = GreetingPauses[_greetings++];
            _greeting ??= _time.CreateTimer(static node => ((Vl1Node)node!).OnGreetingDue(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            _greeting.Change(TimeSpan.FromMilliseconds(pause * (80 + Random.Next(41)) / 100), Timeout.InfiniteTimeSpan);
        }
    }

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "A timer callback must not end the process; the failure is logged and counted.")]
    private void OnGreetingDue()
    {
        if (_state != Running)
        {
            return;
        }

        try
        {
            if (GreetSilentRoots())
            {
                ScheduleGreeting();
            }
        }
        catch (Exception exception)
        {
            Drops.Add(DropReason.Internal);
            Vl1Log.UpkeepFailed(_log, exception);
        }
    }

    // False when every root has been heard.
    private bool GreetSilentRoots()
    {
        bool found = false;
        using (Enter())
        {
            long now = Now;
            foreach (var root in _upstreams)
            {
                if (root.LastReceived == Vl1Timing.Never)
                {
                    found = true;
                    GreetRoot(root, now);
                }
            }
        }

        return found;
    }
}
