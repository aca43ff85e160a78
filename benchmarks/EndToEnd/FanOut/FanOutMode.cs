using System.Diagnostics;
using EndToEnd.Results;
using ZeroTier.Managed;

namespace EndToEnd.FanOut;

/// <summary>
/// What one node receives, decrypts, processes and answers with several receive threads, each with sources of its own, and what that means
/// for more processors than this machine has.
/// </summary>
internal static class FanOutMode
{
    private const int Peers = 16;
    private const int Rounds = 7;
    private const int BatchSize = 32;
    private static readonly TimeSpan _duration = TimeSpan.FromSeconds(1.5);
    private static readonly int[] _modelled = [4, 8, 16];

    public static async Task<int> RunAsync()
    {
        int[] threads = [.. new[] { 1, 2, 4, 8, 16 }.Where(count => count <= Environment.ProcessorCount)];
        var nodes = new List<RecordedPeers>();
        while (nodes.Count < threads[^1])
        {
            nodes.Add(await RecordedPeers.CreateAsync(Peers));
            Check(nodes[^1]);
        }

        var together = threads.ToDictionary(count => count, _ => new List<(double Rate, double Cpu)>());
        var apart = threads.ToDictionary(count => count, _ => new List<(double Rate, double Cpu)>());
        Measure(_ => nodes[0], threads[^1]);
        Measure(number => nodes[number], threads[^1]);
        for (int round = 0; round < Rounds; round++)
        {
            foreach (int count in threads)
            {
                together[count].Add(Measure(_ => nodes[0], count));
                apart[count].Add(Measure(number => nodes[number], count));
            }
        }

        double single = Statistics.Median([.. together[1].Select(r => r.Rate)]);
        Console.WriteLine(
            $"Echo requests of {RecordedPeers.EchoBytes:N0} bytes from {Peers} peers, decrypted and answered; medians of {Rounds} rounds.");
        Console.WriteLine("Apart: as many nodes as threads, which share nothing, in turn with it. What they lose is the machine's.");
        Console.WriteLine();
        Console.WriteLine("| receive threads | packets/s | of one thread | of threads apart | processor time per packet | apart |");
        Console.WriteLine("| ---: | ---: | ---: | ---: | ---: | ---: |");
        foreach (int count in threads)
        {
            var (rate, cpu) = MedianOf(together[count]);
            var (rateApart, cpuApart) = MedianOf(apart[count]);
            Console.WriteLine(
                $"| {count} | {rate:N0} | {rate / single:0.00} | {rate / rateApart:0.00} | {cpu:0.00} µs | {cpuApart:0.00} µs |");
        }

        if (threads.Length > 1)
        {
            // Amdahl's law, with the share that cannot run in parallel as the largest number of threads shows it beside threads apart.
            double most = threads[^1];
            double speedUp = most * MedianOf(together[threads[^1]]).Rate / MedianOf(apart[threads[^1]]).Rate;
            double serial = Math.Clamp(((most / speedUp) - 1) / (most - 1), 0, 1);
            Console.WriteLine();
            Console.WriteLine(
                $"Share that is not parallel: {serial:P1}. By Amdahl's law, of one thread: "
                + string.Join(", ", _modelled.Select(n => $"{n / (1 + (serial * (n - 1))):0.0} with {n}")) + ".");
        }

        return 0;
    }

    private static (double Rate, double Cpu) MedianOf(List<(double Rate, double Cpu)> rounds) =>
        (Statistics.Median([.. rounds.Select(r => r.Rate)]), Statistics.Median([.. rounds.Select(r => r.Cpu)]));

    // What is delivered again is decrypted and answered again: a node that dropped it would be very fast.
    private static void Check(RecordedPeers recorded)
    {
        int delivered = 0;
        int answered = recorded.CountAnswers(() => delivered = Deliver(recorded.Receiver, [.. recorded.Peers]));
        if (answered != delivered)
        {
            throw new InvalidOperationException($"Of {delivered} echo requests {answered} were answered.");
        }
    }

    private static (double PacketsPerSecond, double CpuMicroseconds) Measure(Func<int, RecordedPeers> nodeOf, int threads)
    {
        long packets = 0;
        var clock = Stopwatch.StartNew();
        var cpu = Environment.CpuUsage.TotalTime;
        Thread[] receivers =
        [
            .. Enumerable.Range(0, threads).Select(number => new Thread(() =>
            {
                var recorded = nodeOf(number);
                (InetEndPoint Source, byte[][] Packets)[] own = [.. recorded.Peers.Where((_, index) => index % threads == number)];
                long delivered = 0;
                while (clock.Elapsed < _duration)
                {
                    delivered += Deliver(recorded.Receiver, own);
                }

                Interlocked.Add(ref packets, delivered);
            })),
        ];
        Array.ForEach(receivers, thread => thread.Start());
        Array.ForEach(receivers, thread => thread.Join());
        return (packets / clock.Elapsed.TotalSeconds, (Environment.CpuUsage.TotalTime - cpu).TotalMicroseconds / packets);
    }

    private static int Deliver(IDatagramReceiver receiver, (InetEndPoint Source, byte[][] Packets)[] peers)
    {
        Span<byte> buffer = stackalloc byte[2048];
        int delivered = 0;
        foreach (var (source, packets) in peers)
        {
            foreach (byte[] packet in packets.AsSpan(0, Math.Min(BatchSize, packets.Length)))
            {
                // It is decrypted in place.
                packet.CopyTo(buffer);
                receiver.OnDatagram(0, source, buffer[..packet.Length]);
                delivered++;
            }

            receiver.OnBatchEnd(0);
        }

        return delivered;
    }
}
