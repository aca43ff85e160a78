using System.Globalization;
using System.IO.Pipelines;
using Paths;
using Paths.RealTime;
using ZeroTier.Managed;
using ZeroTier.Managed.IpStack.Tcp;

if (args is ["real", .. var rest])
{
    return await RealTimeMode.RunAsync(rest);
}

// Prints the table of docs/performance.md: what our TCP makes of bad paths, in virtual time.
var duration = TimeSpan.FromSeconds(10);
var inline = new PipeOptions(
    readerScheduler: PipeScheduler.Inline,
    writerScheduler: PipeScheduler.Inline,
    pauseWriterThreshold: 1 << 20,
    resumeWriterThreshold: 1 << 19,
    useSynchronizationContext: false);
if (args.Length != 1 || !Enum.TryParse(args[0], ignoreCase: true, out CongestionControl control))
{
    Console.Error.WriteLine("Paths cubic|bbr, or Paths real [OPTIONS]");
    return 2;
}

var options = new TcpSocketOptions { Input = inline, Output = inline, CongestionControl = control };

const double Rate = 50;
const int Queue = 1 << 20;
Console.WriteLine(
    $"MB/s of one / of four downloads together, {duration.TotalSeconds} s, bottleneck of {Rate} MB/s with a queue of {Queue >> 10} KiB.");
Console.WriteLine(
    "| round trip | no loss | 0.1 % loss | 1 % loss | 5 % loss | 10 % loss | 1 % reordered | 5 % reordered | 20 % reordered |");
Console.WriteLine("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
foreach (double roundTrip in (double[])[1, 20, 100, 200])
{
    Console.Write($"| {roundTrip} ms |");
    foreach (double loss in (double[])[0, 0.1, 1, 5, 10])
    {
        Console.Write($" {Cell(new EmulatedPath(roundTrip, loss, Rate, Queue))} |");
    }

    foreach (double reordered in (double[])[1, 5, 20])
    {
        Console.Write($" {Cell(new EmulatedPath(roundTrip, 0, Rate, Queue, reordered))} |");
    }

    Console.WriteLine();
}

Console.WriteLine($"10 Mbit/s, 20 ms, 1 % loss, a queue of 20 packets: {Cell(new EmulatedPath(20, 1, 1.25, 28_000))}");
Console.WriteLine($"10 Mbit/s, 20 ms, 1 % loss, a queue of 1 MiB: {Cell(new EmulatedPath(20, 1, 1.25, Queue))}");
Console.WriteLine($"100 Mbit/s, 20 ms, a queue of 100 packets: {Cell(new EmulatedPath(20, 0, 12.5, 140_000))}");
return 0;

string Cell(EmulatedPath path) => string.Create(
    CultureInfo.InvariantCulture,
    $"{Download.Measure(path, 1, duration, options) / 1e6:0.0} / {Download.Measure(path, 4, duration, options) / 1e6:0.0}");
