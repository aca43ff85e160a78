using System.Diagnostics;
using System.Net;

namespace ZeroTier.Managed.Tests.Datagrams;

/// <summary>
/// Measures and reports; judges nothing. Run it with
/// <c>dotnet run -c Release --project tests/ZeroTier.Managed.Tests -- -explicit only -class ZeroTier.Managed.Tests.Datagrams.UdpThroughput
/// -showliveoutput</c>.
/// </summary>
public sealed class UdpThroughput(ITestOutputHelper output)
{
    [Fact(Explicit = true)]
    public async Task Datagrams_per_second_of_each_path()
    {
        var basis = new UdpDatagramTransportOptions { BindAddresses = [IPAddress.Loopback] };
        (string Name, UdpDatagramTransportOptions Options)[] paths =
        [
            (".NET sockets", basis with { PortableSockets = true }),
            ("plain system calls", basis with { SegmentationOffload = false, ReceiveCoalescing = false }),
            ("segmentation only", basis with { ReceiveCoalescing = false }),
            ("segmentation and coalescing", basis),
        ];
        double first = 0;
        foreach (var (name, options) in paths)
        {
            await Measure(options, 16, TimeSpan.FromSeconds(0.5));
            var (rate, lost) = await Measure(options, 16, TimeSpan.FromSeconds(2));
            first = first == 0 ? rate : first;
            output.WriteLine(
                $"{name,-30} {rate / 1000,8:0} k datagrams/s  {rate * 1432 / 1e6,7:0} MB/s  {rate / first,5:0.0} x  {lost,5:P0} lost");
        }
    }

    private static async Task<(double Rate, double Lost)> Measure(UdpDatagramTransportOptions options, int segments, TimeSpan time)
    {
        await using var a = UdpDatagramTransport.Open(options);
        await using var b = UdpDatagramTransport.Open(options);
        b.Start(new Sink());
        var target = b.LocalEndPoints[0];
        var run = new byte[1432 * segments];
        var watch = Stopwatch.StartNew();
        while (watch.Elapsed < time)
        {
            a.Send(0, target, run, 1432);
        }

        double seconds = watch.Elapsed.TotalSeconds;
        long received = b.Statistics.DatagramsReceived;
        return (received / seconds, 1 - ((double)received / a.Statistics.DatagramsSent));
    }

    private sealed class Sink : IDatagramReceiver
    {
        public void OnDatagram(int socket, in InetEndPoint source, Span<byte> datagram)
        {
        }

        public void OnBatchEnd(int socket)
        {
        }
    }
}
