using System.Diagnostics.CodeAnalysis;

namespace ZeroTier.Managed.Vl1;

/// <content>
/// The first HELLOs to roots, repeated quickly because one may be lost or dropped by an overloaded root. After the last of these the ping check repeats them
/// every 5 s.
/// </content>
internal sealed partial class Vl1Node
{
    // Sent at 0.25, 0.5, 1 and 2 s, each pause up to a fifth longer or shorter, so that nodes started at the same time spread out.
    private static ReadOnlySpan<int> HelloPauses => [250, 250, 500, 1000];

    private ITimer? _helloTimer;
    private int _hellosSent;

    private void ScheduleHello()
    {
        if (_hellosSent < HelloPauses.Length)
        {
            int pause = HelloPauses[_hellosSent++];
            _helloTimer ??= _time.CreateTimer(static node => ((Vl1Node)node!).OnHelloDue(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            _helloTimer.Change(TimeSpan.FromMilliseconds(pause * (80 + Random.Next(41)) / 100), Timeout.InfiniteTimeSpan);
        }
    }

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "A timer callback must not end the process; the failure is logged and counted.")]
    private void OnHelloDue()
    {
        if (!_control.IsRunning)
        {
            return;
        }

        try
        {
            if (SendHelloToSilentRoots())
            {
                ScheduleHello();
            }
        }
        catch (Exception exception)
        {
            Drops.Add(DropReason.Internal);
            Vl1Log.BackgroundTaskFailed(_log, exception);
        }
    }

    // False when every root has been heard.
    private bool SendHelloToSilentRoots()
    {
        bool found = false;
        using (_control.Enter())
        {
            long now = Now;
            foreach (var root in _upstreams.All)
            {
                if (root.LastReceived == Vl1Timing.Never)
                {
                    found = true;
                    SendHelloToRoot(root, now);
                }
            }
        }

        return found;
    }
}
