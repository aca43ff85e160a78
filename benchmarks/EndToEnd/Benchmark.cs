namespace EndToEnd;

/// <summary>
/// Runs every measure on every transport. Each server runs in its own process, all at the same time; this process is the client that
/// generates the load. A measure runs on all transports before the next one begins, so that changes of the machine's speed affect all
/// transports alike.
/// </summary>
internal static class Benchmark
{
    public static async Task<int> RunAsync(BenchmarkOptions options)
    {
        var report = new Report();
        var measures = Measure.All.Where(
            m => options.Measures.Count == 0 || options.Measures.Any(o => m.Name.Contains(o, StringComparison.Ordinal))).ToList();
        var transports = options.CreateTransports();
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
        report.Print(measures, transports, Console.Out);
        if (options.JsonFile is not null)
        {
            await report.WriteJsonAsync(measures, transports, options.JsonFile);
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
            foreach (var transport in transports)
            {
                try
                {
                    await transport.OpenClientAsync();
                    if (startTimes.Count > 0)
                    {
                        await MeasureStartAsync(transport, startTimes, report);
                    }

                    servers.Add((transport, await RoleProcess.StartServerAsync(transport)));
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

    /// <summary>
    /// Runs a measure in several short rounds over all transports and takes each one's median, so that other load on the machine affects
    /// all transports alike.
    /// </summary>
    private static async Task MeasureAsync(
        Measure measure, List<(Transport Transport, RoleProcess Server)> servers, BenchmarkOptions options, Report report)
    {
        int rounds = measure.Rounds;
        var values = servers.ToDictionary(s => s.Transport, _ => new List<double>());
        for (int round = 0; round < rounds; round++)
        {
            foreach (var (transport, server) in servers)
            {
                try
                {
                    var run = new MeasureRun(transport, server, options.Duration / rounds);
                    values[transport].Add(await measure.Run!(run).WaitAsync((options.Duration * 4) + TimeSpan.FromSeconds(60)));
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

    /// <summary>Starts the server several times and takes the median of each time.</summary>
    private static async Task MeasureStartAsync(Transport transport, List<Measure> measures, Report report)
    {
        const int Rounds = 5;
        var times = new List<IReadOnlyDictionary<string, double>>();

        // The first start is not counted: it creates the identity and the certificate, and warms the file cache.
        for (int round = 0; round <= Rounds; round++)
        {
            await using var server = await RoleProcess.StartServerAsync(transport);
            using (var client = transport.CreateClient(server.Address, 1))
            {
                (await client.GetAsync(new Uri("plain", UriKind.Relative))).EnsureSuccessStatusCode();
            }

            var taken = await server.StopAsync();
            if (round > 0)
            {
                times.Add(taken);
            }
        }

        foreach (var measure in measures)
        {
            var values = times.Where(t => t.ContainsKey(measure.Start!)).Select(t => t[measure.Start!]).ToList();
            if (values.Count > 0)
            {
                report.Add(measure, transport, values);
            }
        }
    }
}
