using Microsoft.Win32.SafeHandles;

namespace Paths.RealTime;

/// <summary>
/// A network namespace without a name and without a way out. Sockets and devices that are made in it stay in it, whichever thread uses
/// them; it goes with the last of them, so that nothing is left of it however the process ends.
/// </summary>
internal sealed class NetworkNamespace
{
    private readonly SafeFileHandle _handle;

    private NetworkNamespace(SafeFileHandle handle) => _handle = handle;

    /// <summary>Makes one. Needs root.</summary>
    public static Task<NetworkNamespace> CreateAsync() => OnOwnThreadAsync(() =>
    {
        LinuxCalls.LeaveNetwork();
        return new NetworkNamespace(
            File.OpenHandle("/proc/thread-self/ns/net", FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
    });

    /// <summary>Runs something in it.</summary>
    public Task<T> RunAsync<T>(Func<T> function) => OnOwnThreadAsync(() =>
    {
        LinuxCalls.EnterNetwork(_handle);
        return function();
    });

    // The namespace belongs to a thread; those of the pool stay where they are.
    private static Task<T> OnOwnThreadAsync<T>(Func<T> function)
    {
        var result = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(() =>
        {
            try
            {
                result.SetResult(function());
            }
#pragma warning disable CA1031 // It belongs to whoever waits.
            catch (Exception e)
#pragma warning restore CA1031
            {
                result.SetException(e);
            }
        })
        { IsBackground = true, Name = "Network namespace" }.Start();
        return result.Task;
    }
}
