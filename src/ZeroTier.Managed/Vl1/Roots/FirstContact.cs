using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using ZeroTier.Managed.Vl1.Reachability;

namespace ZeroTier.Managed.Vl1.Roots;

/// <summary>
/// The first HELLOs to roots, repeated at short intervals because one may be lost, or dropped by an overloaded root. After the last of
/// these, <see cref="RootContact.KeepRoots"/> repeats them every 5 s.
/// </summary>
internal sealed class FirstContact(
    ControlPlane control, TimeProvider time, Upstreams upstreams, RootContact rootContact, ILogger log) : IDisposable
{
    // Sent about 0.25, 0.5, 1 and 2 s after the start. Each pause is up to 20 % longer or shorter, so that nodes that are started together
    // do not send at the same time.
    private static ReadOnlySpan<int> HelloPauses => [250, 250, 500, 1000];

    private ITimer? _helloTimer;
    private int _hellosSent;

    public void Dispose() => _helloTimer?.Dispose();

    /// <summary>Arms the timer for the next HELLO, if there is one.</summary>
    public void ScheduleHello()
    {
        if (_hellosSent < HelloPauses.Length)
        {
            int pause = HelloPauses[_hellosSent++];
            _helloTimer ??= time.CreateTimer(
                static state => ((FirstContact)state!).OnHelloDue(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            _helloTimer.Change(TimeSpan.FromMilliseconds(pause * (80 + control.Random.Next(41)) / 100), Timeout.InfiniteTimeSpan);
        }
    }

    [SuppressMessage("Design", "CA1031:Do not catch general exception types",
        Justification = "A timer callback must not end the process; the failure is logged and counted.")]
    private void OnHelloDue()
    {
        if (!control.IsRunning)
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
            control.Drops.Add(DropReason.Internal);
            Vl1Log.BackgroundTaskFailed(log, exception);
        }
    }

    // False when something was received from every root.
    private bool SendHelloToSilentRoots()
    {
        bool found = false;
        using (control.Enter())
        {
            long now = control.Now;
            foreach (var root in upstreams.All)
            {
                if (root.LastReceived == Vl1Timing.Never)
                {
                    found = true;
                    rootContact.SendHello(root, now);
                }
            }
        }

        return found;
    }
}
