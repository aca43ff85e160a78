using System.Diagnostics;

namespace EndToEnd.Scale;

/// <summary>Processor time of the whole process, user and kernel mode.</summary>
internal static class ProcessorTime
{
    /// <summary>Milliseconds for each second while nothing is asked of the nodes.</summary>
    public static async Task<double> IdleAsync(TimeSpan duration)
    {
        // What went before, such as a garbage collection, has ended by then.
        await Task.Delay(TimeSpan.FromMilliseconds(500));
        var watch = Stopwatch.StartNew();
        var before = Environment.CpuUsage.TotalTime;
        await Task.Delay(duration);
        return (Environment.CpuUsage.TotalTime - before).TotalMilliseconds / watch.Elapsed.TotalSeconds;
    }

    /// <summary>Calls an operation again and again.</summary>
    /// <returns>Microseconds for each call.</returns>
    public static async Task<double> EachAsync(Func<Task> operation, TimeSpan duration)
    {
        var watch = Stopwatch.StartNew();
        while (watch.Elapsed < duration / 5)
        {
            await operation();
        }

        watch.Restart();
        var before = Environment.CpuUsage.TotalTime;
        long calls = 0;
        while (watch.Elapsed < duration)
        {
            await operation();
            calls++;
        }

        return (Environment.CpuUsage.TotalTime - before).TotalMicroseconds / calls;
    }
}
