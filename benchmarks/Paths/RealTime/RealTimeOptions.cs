using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using ZeroTier.Managed;

namespace Paths.RealTime;

/// <summary>What the command line asks for: every combination of the lists is measured.</summary>
internal sealed record RealTimeOptions
{
    public const string Usage = """
        Paths real [--round-trips MS,…] [--loss PERCENT,…] [--reorder PERCENT,…] [--jitter MS] [--rate MBIT,…] [--queue KIB,…]
                   [--streams N,…] [--control C,…] [--seconds N] [--rounds N]

          --round-trips L  round trips in milliseconds, default 1,20,100
          --loss L         packets lost at random, percent, default 0,1,5
          --reorder L      packets that come later by up to half the round trip, percent, default 0
          --jitter N       by up to how many milliseconds packets take longer, in order, default 0
          --rate L         bottlenecks in Mbit/s, default 100
          --queue L        queues before the bottleneck in KiB, default 512
          --streams L      connections at the same time, default 1,8
          --control L      congestion controls, of cubic, bbr; default both
          --seconds N      duration of each measure, default 5
          --rounds N       measures of each, in turn, of which the median counts, default 3
        """;

    public IReadOnlyList<double> RoundTrips { get; private init; } = [1, 20, 100];

    public IReadOnlyList<double> Losses { get; private init; } = [0, 1, 5];

    public IReadOnlyList<double> Reorders { get; private init; } = [0];

    public TimeSpan Jitter { get; private init; }

    public IReadOnlyList<double> Rates { get; private init; } = [100];

    public IReadOnlyList<double> Queues { get; private init; } = [512];

    public IReadOnlyList<double> Streams { get; private init; } = [1, 8];

    public IReadOnlyList<CongestionControl> Controls { get; private init; } = [CongestionControl.Cubic, CongestionControl.Bbr];

    public TimeSpan Duration { get; private init; } = TimeSpan.FromSeconds(5);

    public int Rounds { get; private init; } = 3;

    public static bool TryParse(string[] args, [NotNullWhen(true)] out RealTimeOptions? options, [NotNullWhen(false)] out string? problem)
    {
        options = new RealTimeOptions();
        problem = null;
        for (int i = 0; i < args.Length; i += 2)
        {
            string value = i + 1 < args.Length ? args[i + 1] : "";
            var changed = args[i] == "--control" ? options.WithControls(value) : options.With(args[i], Numbers(value));
            if (changed is null)
            {
                problem = $"Not understood: {args[i]} {value}";
                options = null;
                return false;
            }

            options = changed;
        }

        return true;
    }

    private static double[] Numbers(string list)
    {
        string[] parts = list.Split(',');
        double[] numbers = new double[parts.Length];
        return parts.Index().All(part => double.TryParse(part.Item, CultureInfo.InvariantCulture, out numbers[part.Index])) ? numbers : [];
    }

    private static bool AreAll(double[] numbers, double from, double to) =>
        numbers.Length > 0 && numbers.All(number => number >= from && number <= to);

    private RealTimeOptions? With(string name, double[] numbers) => name switch
    {
        "--round-trips" when AreAll(numbers, 0, 10_000) => this with { RoundTrips = numbers },
        "--loss" when AreAll(numbers, 0, 99) => this with { Losses = numbers },
        "--reorder" when AreAll(numbers, 0, 100) => this with { Reorders = numbers },
        "--jitter" when numbers is [>= 0 and <= 10_000] => this with { Jitter = TimeSpan.FromMilliseconds(numbers[0]) },
        "--rate" when AreAll(numbers, 0.1, 100_000) => this with { Rates = numbers },
        "--queue" when AreAll(numbers, 2, 1 << 20) => this with { Queues = numbers },
        "--streams" when AreAll(numbers, 1, 1000) => this with { Streams = numbers },
        "--seconds" when numbers is [>= 0.1 and <= 3600] => this with { Duration = TimeSpan.FromSeconds(numbers[0]) },
        "--rounds" when numbers is [>= 1 and <= 1000] => this with { Rounds = (int)numbers[0] },
        _ => null,
    };

    private RealTimeOptions? WithControls(string list)
    {
        string[] names = list.Split(',');
        var controls = new CongestionControl[names.Length];
        return names.Index().All(name => Enum.TryParse(name.Item, ignoreCase: true, out controls[name.Index]))
            ? this with { Controls = controls }
            : null;
    }
}
