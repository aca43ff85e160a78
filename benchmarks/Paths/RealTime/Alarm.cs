using Microsoft.Win32.SafeHandles;

namespace Paths.RealTime;

/// <summary>Waits for a time or a call, to a small part of a millisecond: .NET's own waits count in whole ones.</summary>
internal sealed class Alarm
{
    private readonly SafeFileHandle _event = LinuxCalls.OpenEvent();

    /// <summary>Ends the wait that goes on, or the next one. From any thread.</summary>
    public void Set() => LinuxCalls.Signal(_event);

    /// <summary>Waits for this long, without a time until <see cref="Set"/> is called. One thread only.</summary>
    public void Wait(TimeSpan? time) => LinuxCalls.WaitAndClear(_event, time);
}
