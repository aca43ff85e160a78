using System.IO.Pipelines;
using ZeroTier.Managed.IpStack;
using ZeroTier.Managed.IpStack.Tcp;
using ZeroTier.Managed.Net;
using ZeroTier.Managed.Tests.IpStack.Tcp;
using ZeroTier.Simulation;

namespace Paths;

/// <summary>A path with one bottleneck, the same in both directions.</summary>
internal readonly record struct EmulatedPath(
    double RoundTripMilliseconds, double LossPercent, double MegabytesPerSecond, int QueueBytes, double ReorderPercent = 0);

/// <summary>Two TCP stacks on an emulated path, in virtual time: the result depends only on the code, not on the machine.</summary>
internal static class Download
{
    /// <summary>Measures the total bytes per second that all clients receive.</summary>
    public static double Measure(EmulatedPath path, int streams, TimeSpan duration, TcpSocketOptions options)
    {
        var clock = new VirtualClock();
        var link = new TcpLink(clock, seed: 5) { IsTraced = false };
        link.Conditions.Delay = TimeSpan.FromMilliseconds(path.RoundTripMilliseconds / 2);
        using TcpLayer server = Host(link, 1);
        using TcpLayer client = Host(link, 2);
        using TcpListener listener = server.Listen(null, 80, new TcpListenOptions { Socket = options });
        long received = 0;
        for (int i = 0; i < streams; i++)
        {
            TcpSocket reader = clock.Run(() => client.ConnectAsync(Address(2), Address(1), 80, options).AsTask(), TimeSpan.FromMinutes(1));
            TcpSocket writer = clock.Run(() => listener.AcceptAsync(CancellationToken.None).AsTask(), TimeSpan.FromMinutes(1))!;
            _ = WriteAsync(writer.Output);
            _ = ReadAsync(reader.Input, count => received += count);
        }

        link.Conditions.Loss = path.LossPercent / 100;
        link.Conditions.Reorder = path.ReorderPercent / 100;
        link.Conditions.Bandwidth = (long)(path.MegabytesPerSecond * 1e6);
        link.Conditions.QueueLimit = path.QueueBytes;
        clock.Advance(duration);
        return received / duration.TotalSeconds;
    }

    private static IpAddress Address(int number) => IpAddress.FromIPv4(0x0a000000u + (uint)number);

    private static TcpLayer Host(TcpLink link, int number)
    {
        var mac = new MacAddress(0x0200_0000_0000u + (ulong)number);
        var layer = new TcpLayer(
            link.OutputOf(mac),
            link.Clock,
            new SeededRandom((ulong)number),
            TcpLayerOptions.Default with { Scheduler = PipeScheduler.Inline });
        link.Add(Address(number), layer);
        return layer;
    }

    private static async Task WriteAsync(PipeWriter writer)
    {
        do
        {
            writer.Advance(writer.GetMemory(64 * 1024).Length);
        }
        while (!(await writer.FlushAsync()).IsCompleted);
    }

    private static async Task ReadAsync(PipeReader reader, Action<long> count)
    {
        try
        {
            while (await reader.ReadAsync() is { IsCompleted: false } result)
            {
                count(result.Buffer.Length);
                reader.AdvanceTo(result.Buffer.End);
            }
        }
        catch (TcpException)
        {
            // The stack is stopped at the end of the measurement.
        }
    }
}
