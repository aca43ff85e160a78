using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Root;

/// <summary>The options of the command line.</summary>
internal sealed record Options
{
    public const int MostPairs = 4096;

    public const string Usage = """
        dotnet run -c Release --project benchmarks/Root -- [--loads A,B] [--pairs N,…] [--seconds N] [--rounds N] [--window N]

          --loads L    of relay_100, relay_1432, relay_1432_runs, relay_fragments, whois, hello; default all
          --pairs L    pairs of clients, 1 to 4096, default 1,10,100,1000
          --seconds N  duration of each measure, default 2
          --rounds N   measures of each, root and loop in turn, of which the median counts, default 3
          --window N   datagrams under way at most, default 256
        """;

    public IReadOnlyList<string> Loads { get; private init; } = [.. Load.Kinds.Keys];

    public IReadOnlyList<int> Pairs { get; private init; } = [1, 10, 100, 1000];

    public TimeSpan Duration { get; private init; } = TimeSpan.FromSeconds(2);

    public int Rounds { get; private init; } = 3;

    public int Window { get; private init; } = 256;

    public static bool TryParse(string[] args, [NotNullWhen(true)] out Options? options, [NotNullWhen(false)] out string? problem)
    {
        options = new Options();
        problem = null;
        for (int i = 0; i < args.Length; i += 2)
        {
            string value = i + 1 < args.Length ? args[i + 1] : "";
            var changed = args[i] == "--loads" ? options.WithLoads(value.Split(',')) : options.With(args[i], Numbers(value));
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

    private Options? WithLoads(string[] loads) => loads.All(Load.Kinds.ContainsKey) ? this with { Loads = loads } : null;

    private Options? With(string name, double[] numbers) => name switch
    {
        "--pairs" when numbers.Length > 0 && numbers.All(n => n is >= 1 and <= MostPairs) =>
            this with { Pairs = [.. numbers.Select(n => (int)n)] },
        "--seconds" when numbers is [>= 0.1 and <= 3600] => this with { Duration = TimeSpan.FromSeconds(numbers[0]) },
        "--rounds" when numbers is [>= 1 and <= 1000] => this with { Rounds = (int)numbers[0] },
        "--window" when numbers is [>= 64 and <= 65_536] => this with { Window = (int)numbers[0] },
        _ => null,
    };
}
