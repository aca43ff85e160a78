using System.ComponentModel;
using System.Globalization;

namespace Paths.RealTime;

/// <summary>Measures our TCP and that of Linux in turn, over paths that do the same to both, and prints tables.</summary>
internal static class Comparison
{
    private static readonly LinkConditions s_warmUp = new()
    {
        Delay = TimeSpan.FromMilliseconds(5),
        BytesPerSecond = 12.5e6,
        QueueBytes = 1 << 20,
    };

    public static async Task RunAsync(RealTimeOptions options)
    {
        var network = new EmulatedNetwork();
        var planet = await ManagedContestant.StartRootAsync(network);
        List<Contestant> ours = [];
        foreach (var control in options.Controls)
        {
            ours.Add(await ManagedContestant.CreateAsync(network, planet, control));
        }

        var hosts = await TryCreateLinuxAsync();
        List<Contestant> linux = [.. hosts is null ? [] : LinuxControls(options).Select(control => new LinuxContestant(hosts, control))];
        List<Contestant> all = [.. ours, .. linux];
        foreach (var contestant in all)
        {
            await contestant.MeasureAsync(s_warmUp, streams: 4, TimeSpan.FromSeconds(2), seed: 0);
        }

        foreach (double rate in options.Rates)
        {
            foreach (double queue in options.Queues)
            {
                await MeasureTableAsync(options, rate, queue, ours, linux);
            }
        }

        if (hosts is not null && await hosts.CountDroppedAsync() is > 0 and var dropped)
        {
            Console.WriteLine();
            Console.WriteLine($"Linux dropped {dropped} packets before they came to the path.");
        }
    }

    private static async Task<LinuxHosts?> TryCreateLinuxAsync()
    {
        try
        {
            return await LinuxHosts.CreateAsync();
        }
        catch (Exception e) when (e is Win32Exception or IOException or UnauthorizedAccessException)
        {
            Console.WriteLine($"Linux is skipped, for it needs root, /dev/net/tun and ip (iproute2): {e.Message}");
            return null;
        }
    }

    private static IEnumerable<string> LinuxControls(RealTimeOptions options)
    {
        foreach (string control in options.Controls.Select(control => control.ToString().ToLowerInvariant()))
        {
            if (LinuxContestant.Has(control))
            {
                yield return control;
            }
            else
            {
                Console.WriteLine($"Linux {control} is skipped: this kernel does not have it loaded (modprobe tcp_{control}).");
            }
        }
    }

    private static async Task MeasureTableAsync(
        RealTimeOptions options, double rate, double queue, List<Contestant> ours, List<Contestant> linux)
    {
        List<Contestant> all = [.. ours, .. linux];
        List<Contestant> compared = linux.Count > 0 ? ours : [];
        Console.WriteLine();
        Console.WriteLine(
            $"{Text(rate)} Mbit/s, a queue of {Text(queue)} KiB, jitter of {Text(options.Jitter.TotalMilliseconds)} ms: "
            + $"MB/s in {Text(options.Duration.TotalSeconds)} s, median of {options.Rounds} (least–most); "
            + "late: most packets in a measure that came more than 1 ms after their time.");
        Console.WriteLine();
        Console.WriteLine(
            $"| round trip | loss | reordered | streams | {Join(all, c => c.Name)} | late |"
            + string.Concat(compared.Select(c => $" {c.Name} / better Linux |")));
        Console.WriteLine($"|{string.Concat(Enumerable.Repeat(" ---: |", 5 + all.Count + compared.Count))}");
        var rows =
            from roundTrip in options.RoundTrips
            from loss in options.Losses
            from reorder in options.Reorders
            from streams in options.Streams
            select (roundTrip, loss, reorder, streams);
        foreach (var (roundTrip, loss, reorder, streams) in rows)
        {
            var conditions = new LinkConditions
            {
                Delay = TimeSpan.FromMilliseconds(roundTrip / 2),
                Jitter = options.Jitter,
                Loss = loss / 100,
                Reorder = reorder / 100,
                BytesPerSecond = rate * 1e6 / 8,
                QueueBytes = (int)(queue * 1024),
            };
            var results = await MeasureRowAsync(options, conditions, (int)streams, all);
            double late = results.Values.Max(rounds => rounds.Late) * 100;
            double better = linux.Select(contestant => results[contestant].Median).DefaultIfEmpty().Max();
            Console.WriteLine(
                $"| {Text(roundTrip)} ms | {Text(loss)} % | {Text(reorder)} % | {Text(streams)} | "
                + $"{Join(all, c => results[c].ToString())} | {Text(late)} % |"
                + string.Concat(compared.Select(c => $" {Text(results[c].Median / better, "0.00")} |")));
        }
    }

    private static async Task<Dictionary<Contestant, Rounds>> MeasureRowAsync(
        RealTimeOptions options, LinkConditions conditions, int streams, List<Contestant> contestants)
    {
        var results = contestants.ToDictionary(contestant => contestant, _ => new Rounds());
        for (int round = 0; round < options.Rounds; round++)
        {
            foreach (var contestant in contestants)
            {
                results[contestant].Add(
                    await contestant.MeasureAsync(conditions, streams, options.Duration, seed: 1 + 2 * (ulong)round));
            }
        }

        return results;
    }

    private static string Join(List<Contestant> contestants, Func<Contestant, string> cell) =>
        string.Join(" | ", contestants.Select(cell));

    private static string Text(double number, string format = "0.##") => number.ToString(format, CultureInfo.InvariantCulture);

    /// <summary>What a contestant has reached in each round.</summary>
    private sealed class Rounds
    {
        private readonly List<double> _rates = [];

        public double Median => _rates[_rates.Count / 2];

        /// <summary>The worst of its <see cref="Measurement.LateShare"/>.</summary>
        public double Late { get; private set; }

        public void Add(Measurement measurement)
        {
            _rates.Add(measurement.BytesPerSecond / 1e6);
            _rates.Sort();
            Late = Math.Max(Late, measurement.LateShare);
        }

        public override string ToString() =>
            string.Create(CultureInfo.InvariantCulture, $"{Median:0.0} ({_rates[0]:0.0}–{_rates[^1]:0.0})");
    }
}
