using System.Diagnostics;
using System.Globalization;
using System.Net;

namespace EndToEnd.Tests;

/// <summary>What this process holds, as Linux tells it.</summary>
internal static class ProcessResources
{
    /// <summary>Open descriptors, but for the assemblies that the runtime maps as it needs them.</summary>
    public static int Descriptors => Targets().Count;

    /// <summary>Open descriptors by what they are, for messages.</summary>
    public static string Describe() =>
        string.Join(", ", Targets().GroupBy(target => target).OrderBy(group => group.Key).Select(group => $"{group.Count()} {group.Key}"));

    private static List<string> Targets() =>
    [
        .. Directory.EnumerateFileSystemEntries("/proc/self/fd")
            .Select(path => new FileInfo(path).LinkTarget?.Split('[')[0] ?? "")
            .Where(target => target.Length > 0 && !target.EndsWith(".dll", StringComparison.Ordinal)),
    ];

    /// <summary>Threads that are not the pool's, whose number follows the load.</summary>
    public static int Threads
    {
        get
        {
            using var process = Process.GetCurrentProcess();
            return process.Threads.Count - ThreadPool.ThreadCount;
        }
    }

    /// <summary>The internet sockets of this process: protocol and local port.</summary>
    public static IReadOnlyList<(string Protocol, int Port)> Sockets() =>
    [
        .. from protocol in (string[])["tcp", "tcp6", "udp", "udp6"]
           from fields in ProcessSockets.Of(protocol)
           select (protocol[..3],
               int.Parse(fields[1].AsSpan(fields[1].LastIndexOf(':') + 1), NumberStyles.HexNumber, CultureInfo.InvariantCulture)),
    ];
}
