using System.Net;

namespace ZeroTier.Managed.Tests.Datagrams;

/// <summary>Counts what the process holds, so nothing may run beside it.</summary>
[Collection(nameof(AloneInTheProcess))]
public sealed class UdpLeakTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Fifty_openings_leave_no_descriptor_and_no_thread(bool portable)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "/proc is read");
        await OpenAndClose(portable);
        int descriptors = Descriptors();
        for (int i = 0; i < 50; i++)
        {
            await OpenAndClose(portable);
        }

        Assert.InRange(Descriptors(), 0, descriptors + 5);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        while (Threads() > 0)
        {
            await Task.Delay(10, limit.Token);
        }
    }

    private static async Task OpenAndClose(bool portable)
    {
        await using var transport = UdpDatagramTransport.Open(
            new UdpDatagramTransportOptions { LoopbackOnly = true, PortableSockets = portable });
        var receiver = new CollectingReceiver();
        transport.Start(receiver);
        transport.Send(0, InetEndPoint.From(new IPEndPoint(IPAddress.Loopback, transport.LocalEndPoints[0].Port)), new byte[3], 1);
        await receiver.WaitForAsync(3);
    }

    private static int Descriptors() => Directory.GetFiles("/proc/self/fd").Length;

    private static int Threads() => Directory.GetDirectories("/proc/self/task").Count(t =>
    {
        try
        {
            return File.ReadAllText(System.IO.Path.Combine(t, "comm")).StartsWith("ZeroTier UDP", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
    });
}
