namespace EndToEnd;

/// <summary>A program whose start is measured.</summary>
/// <param name="Measures">What is read from the figures of its start.</param>
/// <param name="StartAsync">Starts it on a transport, calls it once and ends it; returns the figures of its start, by name.</param>
internal sealed record StartedProgram(
    IReadOnlyList<Measure> Measures, Func<Transport, Task<IReadOnlyDictionary<string, double>>> StartAsync)
{
    /// <summary>This program as a server, which tells the figures itself.</summary>
    public static StartedProgram Server(IReadOnlyList<Measure> measures) => new(measures, async transport =>
    {
        await using var server = await transport.StartServerAsync();
        using (var client = transport.CreateClient(server.Address, 1))
        {
            (await client.GetAsync(new Uri("plain", UriKind.Relative))).EnsureSuccessStatusCode();
        }

        return await server.StopAsync();
    });
}

/// <summary>From the start of a process to what it does first.</summary>
internal static class StartTimes
{
    private const int Rounds = 5;

    /// <summary>
    /// Programs and transports take turns, as in the measures under load. The first start of each does not count: it makes what later ones
    /// find (identity, certificate, warm files).
    /// </summary>
    public static async Task MeasureAsync(
        IReadOnlyList<StartedProgram> programs, IReadOnlyList<Transport> transports, Report report)
    {
        var starts = programs.SelectMany(program => transports.Select(transport => (program, transport))).ToList();
        var times = starts.ToDictionary(start => start, _ => new List<IReadOnlyDictionary<string, double>>());
        for (int round = 0; round <= Rounds; round++)
        {
            foreach (var (program, transport) in starts.Where(times.ContainsKey))
            {
                try
                {
                    times[(program, transport)].Add(await program.StartAsync(transport));
                }
                catch (Exception e) when (e is not OutOfMemoryException)
                {
                    report.Fail(program.Measures[^1].Name, transport, e);
                    times.Remove((program, transport));
                }
            }
        }

        foreach (var (program, measure) in programs.SelectMany(program => program.Measures.Select(measure => (program, measure))))
        {
            foreach (var transport in transports.Where(transport => times.ContainsKey((program, transport))))
            {
                var rounds = times[(program, transport)].Skip(1).Where(t => t.ContainsKey(measure.Start!));
                if (rounds.Select(t => t[measure.Start!]).ToArray() is { Length: > 0 } values)
                {
                    report.Add(measure, transport, values);
                }
            }
        }
    }
}
