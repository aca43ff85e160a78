using EndToEnd;

if (args is ["--server", ..])
{
    return await ServerRole.RunAsync(args);
}

if (args is ["--root", _, _, _])
{
    return await RootRole.RunAsync(args);
}

if (!BenchmarkOptions.TryParse(args, out var options, out string? problem))
{
    Console.Error.WriteLine(problem);
    Console.Error.WriteLine(BenchmarkOptions.Usage);
    return 2;
}

return await Benchmark.RunAsync(options);
