using System.Net;
using EndToEnd;
using ZeroTier.SelfHosting;

namespace Root;

/// <summary>The root under test in its own process, started as <c>zt root</c> starts it.</summary>
internal static class RootRole
{
    /// <summary>
    /// <c>--root FOLDER ENDPOINT</c>: runs until standard input has a line <c>stop</c> or closes. <c>allocated</c> asks for the bytes
    /// allocated so far, <c>memory</c> for the resident memory, <c>dropped</c> for the packets dropped.
    /// </summary>
    public static async Task<int> RunAsync(string folder, IPEndPoint endPoint)
    {
        await using var root = await PrivateRoot.StartAsync(new PrivateRootOptions { StoragePath = folder, EndPoints = [endPoint] });
        Console.WriteLine($"READY {root.Node.Id}");
        while (await Console.In.ReadLineAsync() is { } line and not "stop")
        {
            Console.WriteLine(line switch
            {
                "allocated" => $"ALLOCATED {GC.GetTotalAllocatedBytes(precise: true)}",
                "memory" => $"MEMORY {ResidentMemory.AfterCollection()}",
                "dropped" => $"DROPPED {root.Node.GetStatistics().Dropped.Values.Sum()}",
                _ => throw new InvalidOperationException(line),
            });
        }

        Console.WriteLine("STOPPED");
        return 0;
    }
}
