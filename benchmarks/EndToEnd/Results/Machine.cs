using System.Globalization;
using System.Runtime.InteropServices;

namespace EndToEnd.Results;

/// <summary>Where a run took place. Absolute figures mean nothing without it.</summary>
/// <param name="Cores">Processors that this process may use.</param>
/// <param name="Processor">Its model, where the system tells.</param>
/// <param name="MemoryMiB">Memory that this process may use.</param>
/// <param name="Os">The operating system, with the kernel's version.</param>
/// <param name="Runtime">That of .NET.</param>
/// <param name="LoadBefore">Processes that ran or waited for a processor in the minute before; a quiet machine has well under one.</param>
internal sealed record Machine(int Cores, string? Processor, long MemoryMiB, string Os, string Runtime, double? LoadBefore)
{
    /// <summary>This machine, now.</summary>
    public static Machine Read() => new(
        Environment.ProcessorCount,
        ReadProcessor(),
        GC.GetGCMemoryInfo().TotalAvailableMemoryBytes >> 20,
        $"{RuntimeInformation.OSDescription}, {Environment.OSVersion}, {RuntimeInformation.ProcessArchitecture}",
        RuntimeInformation.FrameworkDescription,
        ReadLoad());

    private static string? ReadProcessor() =>
        ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':', 2)[1].Trim();

    private static double? ReadLoad() =>
        ReadLines("/proc/loadavg").FirstOrDefault() is { } line ? double.Parse(line.Split(' ')[0], CultureInfo.InvariantCulture) : null;

    // Linux has these files.
    private static IEnumerable<string> ReadLines(string file) => File.Exists(file) ? File.ReadLines(file) : [];
}
