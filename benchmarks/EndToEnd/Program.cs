using EndToEnd;
using EndToEnd.FanOut;
using EndToEnd.Results;
using EndToEnd.Scale;

switch (args)
{
    case ["--server", ..]:
        return await ServerRole.RunAsync(args);
    case ["--root", _, _, _]:
        return await RootRole.RunAsync(args);
    case ["--fan-out"]:
        return await FanOutMode.RunAsync();
    case ["--scale", ..]:
        return await ScaleMeasure.RunAsync(args[1..]);
    case ["--markdown", var file]:
        Console.Write(MarkdownTable.Of(BenchmarkResults.Load(file)));
        return 0;
    case ["--compare", var before, var after]:
        Comparison.Print(Load(before), Load(after), Console.Out);
        return 0;
    default:
        break;
}

if (!BenchmarkOptions.TryParse(args, out var options, out string? problem))
{
    Console.Error.WriteLine(problem);
    Console.Error.WriteLine(BenchmarkOptions.Usage);
    return 2;
}

return await Benchmark.RunAsync(options);

static BenchmarkResults[] Load(string files) => [.. files.Split(',').Select(BenchmarkResults.Load)];
