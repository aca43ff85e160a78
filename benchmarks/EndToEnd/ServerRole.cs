using System.Diagnostics;
using System.Globalization;
using System.Runtime;

namespace EndToEnd;

/// <summary>The server: one endpoint on one transport. The handlers are the same for all transports.</summary>
internal static class ServerRole
{
    private static long s_begin;

    /// <summary><c>--server NAME [ARGUMENTS]</c>: runs until standard input has a line <c>stop</c> or closes.</summary>
    public static async Task<int> RunAsync(string[] args)
    {
        // Times count from the start of the process, so they include the start of the runtime. On Linux the start time has a resolution of
        // 10 ms.
        using var process = Process.GetCurrentProcess();
        s_begin =
            Stopwatch.GetTimestamp() - (long)((DateTime.UtcNow - process.StartTime.ToUniversalTime()).TotalSeconds * Stopwatch.Frequency);
        var transport = Transport.Create(args[1], Engines.Managed);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            // Transfers are endless, and must not be aborted when a busy machine makes them slow.
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Limits.MinResponseDataRate = null;
        });
        transport.Configure(builder, args[2..]);
        var app = builder.Build();
        Handlers.Map(app, () =>
        {
            Time("response");
            Note("cpu", Environment.CpuUsage.TotalTime.TotalMilliseconds);
            Note("compiled", JitInfo.GetCompiledMethodCount());
        });
        Time("built");
        await app.StartAsync();
        Time("listening");
        string address = await transport.WaitUntilReachableAsync(app, Time);
        Console.WriteLine($"READY {address}");

        while (await Console.In.ReadLineAsync() is { } line and not "stop")
        {
            if (line == "memory")
            {
                Console.WriteLine($"MEMORY {ResidentMemory.AfterCollection()}");
            }
        }

        await app.StopAsync();
        await app.DisposeAsync();
        Console.WriteLine("STOPPED");
        return 0;
    }

    private static void Time(string name) => Note(name, Stopwatch.GetElapsedTime(s_begin).TotalMilliseconds);

    private static void Note(string name, double value) =>
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"START {name} {value:0.000}"));
}
