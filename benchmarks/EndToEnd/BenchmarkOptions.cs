using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace EndToEnd;

/// <summary>The options of the command line.</summary>
internal sealed record BenchmarkOptions
{
    public const string Usage = """
        dotnet run -c Release --project benchmarks/EndToEnd -- [--seconds N] [--json FILE] [--transports A,B] [--measures A,B]
                   [--engine E] [--network A,B] [--apps NAME=FOLDER,…]
        dotnet run -c Release --project benchmarks/EndToEnd -- --markdown FILE
        dotnet run -c Release --project benchmarks/EndToEnd -- --compare FILE,… FILE,…
        dotnet run -c Release --project benchmarks/EndToEnd -- --fan-out
        dotnet run -c Release --project benchmarks/EndToEnd -- --scale [connections,busy,networks,nodes] [--up-to N] [--seconds N]
                   [--address A]

          --seconds N      duration of each timed measure, default 5
          --json FILE      writes the results as JSON: every round, and the machine
          --transports L   of zerotier, sockets, sockets_tls; default all
          --measures L     only measures whose name contains one of these
          --engine E       engines of zerotier, client to server: managed (default), libzt, libzt-to-managed, managed-to-libzt;
                           libzt is found as in an app (LIBZT_PATH), and needs a network namespace without a way out
          --network L      of adhoc, private; default adhoc. private has a controller, in the root: members with certificates, IPv4, rules;
                           with both, zerotier is measured on both in turn
          --apps L         published forms of samples/WebApi: their size, and the time from their start to the first response;
                           benchmarks/record publishes three
          --markdown FILE  the table of README from results that --json wrote
          --fan-out        packets per second of one node by its number of receive threads, and a model for more processors
          --compare A B    medians of the results of several runs of two commits, spread and ratio; benchmarks/compare makes the runs
          --scale L        the cost of one at 1, 10, 100, … idle connections, busy connections, networks, nodes, as Markdown tables; each up
                           to its goal (100,000, 20,000, 1,000, 500), or to N. A is the address of all sockets, default 127.0.0.1, where
                           nodes ask their root for a sign every 0.5 s; on others they do every 5 s
        """;

    /// <summary>Duration of each timed measure.</summary>
    public TimeSpan Duration { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The file for the results as JSON, or null.</summary>
    public string? JsonFile { get; init; }

    /// <summary>Transports to measure.</summary>
    public IReadOnlyList<string> Transports { get; init; } = Transport.Names;

    /// <summary>Networks to measure the ZeroTier transport on.</summary>
    public IReadOnlyList<BenchmarkNetwork> Networks { get; init; } = [BenchmarkNetwork.AdHoc];

    /// <summary>Engines of the ZeroTier transport.</summary>
    public Engines Engines { get; init; } = Engines.Managed;

    /// <summary>Parts of the names of measures to run; empty for all.</summary>
    public IReadOnlyList<string> Measures { get; init; } = [];

    /// <summary>Published forms of <c>samples/WebApi</c>.</summary>
    public IReadOnlyList<PublishedApp> Apps { get; init; } = [];

    public static bool TryParse(string[] args, [NotNullWhen(true)] out BenchmarkOptions? options, [NotNullWhen(false)] out string? problem)
    {
        options = new BenchmarkOptions();
        problem = null;
        for (int i = 0; i < args.Length; i += 2)
        {
            string? value = i + 1 < args.Length ? args[i + 1] : null;
            switch (args[i], value)
            {
                case ("--seconds", not null)
                    when double.TryParse(value, CultureInfo.InvariantCulture, out double seconds) && seconds is >= 0.1 and <= 3600:
                    options = options with { Duration = TimeSpan.FromSeconds(seconds) };
                    break;
                case ("--json", not null):
                    options = options with { JsonFile = value };
                    break;
                case ("--transports", not null) when value.Split(',').All(Transport.Names.Contains):
                    options = options with { Transports = value.Split(',') };
                    break;
                case ("--measures", not null):
                    options = options with { Measures = value.Split(',') };
                    break;
                case ("--engine", not null) when Engines.ByName.TryGetValue(value, out var engines):
                    options = options with { Engines = engines };
                    break;
                case ("--network", not null) when value.Split(',').All(BenchmarkNetwork.ByName.ContainsKey):
                    options = options with { Networks = [.. value.Split(',').Select(name => BenchmarkNetwork.ByName[name])] };
                    break;
                case ("--apps", not null) when PublishedApp.TryParse(value, out var apps):
                    options = options with { Apps = apps };
                    break;
                default:
                    problem = $"Not understood: {args[i]} {value}";
                    options = null;
                    return false;
            }
        }

        return true;
    }

    /// <summary>Creates the transports.</summary>
    public List<Transport> CreateTransports() =>
        [.. Transports.SelectMany(name => name == Transport.ZeroTier ? Networks.Select(n => n.TransportName) : [name])
            .Select(name => Transport.Create(name, Engines))];
}
