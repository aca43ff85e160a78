namespace Paths.RealTime;

/// <summary><c>Paths real</c>: real bytes over an emulated path in real time, ours beside Linux.</summary>
internal static class RealTimeMode
{
    public static async Task<int> RunAsync(string[] args)
    {
        if (!OperatingSystem.IsLinux())
        {
            Console.Error.WriteLine("Paths real runs on Linux.");
            return 2;
        }

        if (args is ["--help"])
        {
            Console.WriteLine(RealTimeOptions.Usage);
            return 0;
        }

        if (!RealTimeOptions.TryParse(args, out var options, out string? problem))
        {
            Console.Error.WriteLine(problem);
            Console.Error.WriteLine(RealTimeOptions.Usage);
            return 2;
        }

        await Comparison.RunAsync(options);
        return 0;
    }
}
