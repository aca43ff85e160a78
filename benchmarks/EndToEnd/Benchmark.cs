namespace EndToEnd;

/// <summary>
/// Runs every measure on every transport. Each server runs in its own process, all at the same time; this process is the client that
/// generates the load. A measure runs on all transports before the next one begins, so that changes of the machine's speed affect all
/// transports alike.
/// </summary>
internal static class Benchmark
{
    // Until the runtime has compiled what the load uses again, with optimizations; a server has run for a moment only.
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(3);

    public static async Task<int> RunAsync(BenchmarkOptions options)
    {
        var measures = Measure.All.Where(
            m => options.Measures.Count == 0 || options.Measures.Any(o => m.Name.Contains(o, StringComparison.Ordinal))).ToList();
        var transports = options.CreateTransports();
        var report = new Report(transports);
        try
        {
            await RunAsync(transports, measures, options, report);
        }
        finally
        {
            foreach (var transport in transports)
            {
                await transport.DisposeAsync();
            }
        }

        Console.WriteLine();
        var results = report.ToResults(options);
        report.Print(results, Console.Out);
        if (options.JsonFile is not null)
        {
            results.Save(options.JsonFile);
        }

        return report.Failures == 0 ? 0 : 1;
    }

    private static async Task RunAsync(List<Transport> transports, List<Measure> measures, BenchmarkOptions options, Report report)
    {
        var startTimes = measures.Where(m => m.Start is not null).ToList();
        var timed = measures.Where(m => m.Run is not null).ToList();
        var servers = new List<(Transport Transport, RoleProcess Server)>();
        try
        {
            var open = await OpenAsync(transports, report);
            StartedProgram[] server = startTimes.Count > 0 ? [StartedProgram.Server(startTimes)] : [];
            await StartTimes.MeasureAsync([.. server, .. options.Apps.Select(app => app.ToProgram())], open, report);
            foreach (var app in options.Apps)
            {
                report.Add(app.Size, transports[0], [app.ReadSize()]);
            }

            if (timed.Count == 0)
            {
                return;
            }

            foreach (var transport in open)
            {
                try
                {
                    servers.Add((transport, await transport.StartServerAsync()));
                }
                catch (Exception e) when (e is not OutOfMemoryException)
                {
                    report.Fail("start", transport, e);
                }
            }

            foreach (var measure in timed)
            {
                await MeasureAsync(measure, servers, options, report);
            }
        }
        finally
        {
            foreach (var (_, server) in servers)
            {
                await server.DisposeAsync();
            }
        }
    }

    /// <returns>The transports whose client's side is up.</returns>
    private static async Task<List<Transport>> OpenAsync(List<Transport> transports, Report report)
    {
        var open = new List<Transport>();
        foreach (var transport in transports)
        {
            try
            {
                await transport.OpenClientAsync();
                open.Add(transport);
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                report.Fail("start", transport, e);
            }
        }

        return open;
    }

    /// <summary>
    /// Runs a measure in several short rounds over all transports and takes each one's median, so that other load on the machine affects
    /// all transports alike. A first round, whose value is dropped, warms each of them up.
    /// </summary>
    private static async Task MeasureAsync(
        Measure measure, List<(Transport Transport, RoleProcess Server)> servers, BenchmarkOptions options, Report report)
    {
        int rounds = measure.Rounds;
        var values = servers.ToDictionary(s => s.Transport, _ => new List<double>());
        for (int round = rounds > 1 ? -1 : 0; round < rounds; round++)
        {
            foreach (var (transport, server) in servers)
            {
                try
                {
                    var run = new MeasureRun(transport, server, round < 0 ? WarmUp : options.Duration / rounds);
                    double value = await measure.Run!(run).WaitAsync((options.Duration * 4) + TimeSpan.FromSeconds(60));
                    if (!double.IsFinite(value))
                    {
                        throw new InvalidOperationException("Nothing was done in a round; take more seconds.");
                    }

                    if (round >= 0)
                    {
                        values[transport].Add(value);
                    }
                }
                catch (Exception e) when (e is not OutOfMemoryException)
                {
                    report.Fail(measure.Name, transport, e);
                }
            }
        }

        foreach (var (transport, list) in values)
        {
            if (list.Count == rounds)
            {
                report.Add(measure, transport, list);
            }
        }
    }
}
