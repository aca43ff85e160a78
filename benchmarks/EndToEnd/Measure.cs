using System.Diagnostics;
using System.Globalization;

namespace EndToEnd;

/// <summary>The context of one round of a measure on one transport.</summary>
internal sealed record MeasureRun(Transport Transport, RoleProcess Server, TimeSpan Duration)
{
    public HttpClient CreateClient(int connections) => Transport.CreateClient(Server.Address, connections);

    /// <summary>Runs the load for a fifth of <see cref="Duration"/> as warm-up, then measures it for <see cref="Duration"/>.</summary>
    /// <param name="load">The load, which must not end by itself; if it ends, the measure fails.</param>
    /// <param name="count">Returns the number of operations or bytes done so far.</param>
    /// <param name="measuring">Called with true when the measurement begins and with false when it ends.</param>
    public async Task<Rate> MeasureAsync(Task load, Func<long> count, Action<bool>? measuring = null)
    {
        await Task.WhenAny(load, Task.Delay(Duration / 5));
        measuring?.Invoke(true);
        long before = count();
        var cpuBefore = Server.CpuTime + Process.GetCurrentProcess().TotalProcessorTime;
        var watch = Stopwatch.StartNew();
        await Task.WhenAny(load, Task.Delay(Duration));
        double seconds = watch.Elapsed.TotalSeconds;
        long done = count() - before;
        measuring?.Invoke(false);
        var cpu = Server.CpuTime + Process.GetCurrentProcess().TotalProcessorTime - cpuBefore;
        if (load.IsCompleted)
        {
            await load;
            throw new InvalidOperationException("The load ended early.");
        }

        return new Rate(done / seconds, cpu.TotalSeconds / done);
    }
}

/// <summary>
/// The operations or bytes per second, and the CPU time in seconds for each, of client and server together, user and kernel mode.
/// </summary>
internal readonly record struct Rate(double PerSecond, double CpuEach);

/// <summary>One row of the results: either measured under load, or taken from the server's start-up times.</summary>
internal sealed record Measure(string Name, string Unit, bool HigherIsBetter, Func<MeasureRun, Task<double>>? Run, string? Start = null)
{
    /// <summary>The number of rounds into which the time is divided. The result is their median.</summary>
    public int Rounds { get; init; } = 5;

    public static IReadOnlyList<Measure> All { get; } =
    [
        new("download_1", "MB/s", true, async r => (await Throughput.DownloadAsync(r, 1)).PerSecond / 1e6),
        new("download_8", "MB/s", true, async r => (await Throughput.DownloadAsync(r, 8)).PerSecond / 1e6),
        new("upload_1", "MB/s", true, async r => (await Throughput.UploadAsync(r, 1)).PerSecond / 1e6),
        new("upload_8", "MB/s", true, async r => (await Throughput.UploadAsync(r, 8)).PerSecond / 1e6),
        new("requests_32", "1/s", true, async r => (await Requests.LoopsAsync(r, 32)).PerSecond),
        new("download_cpu", "s/GB", false, async r => (await Throughput.DownloadAsync(r, 1)).CpuEach * 1e9),
        new("upload_cpu", "s/GB", false, async r => (await Throughput.UploadAsync(r, 1)).CpuEach * 1e9),
        new("request_cpu", "us", false, async r => (await Requests.LoopsAsync(r, 32)).CpuEach * 1e6),
        new("round_trip_p50", "us", false, r => Requests.RoundTripAsync(r, 0.5)),
        new("round_trip_p99", "us", false, r => Requests.RoundTripAsync(r, 0.99)),
        new("connections_opened", "1/s", true, Requests.ConnectionsPerSecondAsync),
        new("idle_connection_memory", "KiB", false, r => IdleConnections.MemoryAsync(r, r.Transport.IdleConnections)) { Rounds = 1 },
        new("idle_100_cpu", "%", false, r => IdleConnections.CpuAsync(r, 100)) { Rounds = 1 },
        new("churn_threads", "more", false, r => Churn.GrowthAsync(r, 10_000, server => server.Threads)) { Rounds = 1 },
        new("churn_descriptors", "more", false, r => Churn.GrowthAsync(r, 10_000, server => server.Descriptors)) { Rounds = 1 },
        new("start_to_built", "ms", false, null, "built"),
        new("start_to_listening", "ms", false, null, "listening"),
        new("start_to_online", "ms", false, null, "online"),
        new("start_to_joined", "ms", false, null, "joined"),
        new("start_to_first_response", "ms", false, null, "response"),

        // Up to the first response, too. Other work on the machine hardly changes these two.
        new("start_cpu", "ms", false, null, "cpu"),
        new("start_methods_compiled", "", false, null, "compiled"),
    ];
}

/// <summary>Measures bytes per second over one or several concurrent connections, counted on the client.</summary>
internal static class Throughput
{
    private const int BlockBytes = 64 * 1024;
    private static readonly byte[] Block = new byte[BlockBytes];

    public static Task<Rate> DownloadAsync(MeasureRun run, int connections) =>
        CountAsync(run, connections, async (client, count, stop) =>
        {
            var buffer = new byte[2 * BlockBytes];
            using var response = await client.GetAsync(
                new Uri("download", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, stop);
            response.EnsureSuccessStatusCode();
            await using var body = await response.Content.ReadAsStreamAsync(stop);
            while (await body.ReadAsync(buffer, stop) is > 0 and int length)
            {
                count(length);
            }
        });

    public static Task<Rate> UploadAsync(MeasureRun run, int connections) =>
        CountAsync(run, connections, async (client, count, stop) =>
        {
            using var content = new EndlessContent(Block, count, stop);
            using var response = await client.PostAsync(new Uri("upload", UriKind.Relative), content, stop);
        });

    private static async Task<Rate> CountAsync(
        MeasureRun run, int connections, Func<HttpClient, Action<int>, CancellationToken, Task> transfer)
    {
        using var client = run.CreateClient(connections);
        using var stop = new CancellationTokenSource();
        long bytes = 0;
        var transfers = Enumerable.Range(0, connections)
            .Select(_ => Task.Run(() => transfer(client, n => Interlocked.Add(ref bytes, n), stop.Token)))
            .ToList();
        var rate = await run.MeasureAsync(Task.WhenAny(transfers).Unwrap(), () => Interlocked.Read(ref bytes));
        await stop.CancelAsync();
        await Task.WhenAll(transfers).ContinueWith(_ => { }, TaskScheduler.Default);
        return rate;
    }

    private sealed class EndlessContent(byte[] block, Action<int> count, CancellationToken stop) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, System.Net.TransportContext? context)
        {
            while (true)
            {
                await stream.WriteAsync(block, stop);
                count(block.Length);
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}

/// <summary>Measures small requests: the throughput, the round-trip time, and the throughput with a new connection for each.</summary>
internal static class Requests
{
    private static readonly Uri Plain = new("plain", UriKind.Relative);

    public static Task<Rate> LoopsAsync(MeasureRun run, int connections) =>
        LoopsAsync(run, connections, run.CreateClient(connections), null);

    public static async Task<double> RoundTripAsync(MeasureRun run, double quantile)
    {
        var ticks = new List<long>(1_000_000);
        await LoopsAsync(run, 1, run.CreateClient(1), ticks);
        ticks.Sort();
        return Stopwatch.GetElapsedTime(0, ticks[(int)(quantile * (ticks.Count - 1))]).TotalMicroseconds;
    }

    /// <summary>Four connections at a time, each with connect, handshake, one request, and close.</summary>
    public static async Task<double> ConnectionsPerSecondAsync(MeasureRun run)
    {
        var client = run.CreateClient(4);
        client.DefaultRequestHeaders.ConnectionClose = true;
        return (await LoopsAsync(run, 4, client, null)).PerSecond;
    }

    private static async Task<Rate> LoopsAsync(MeasureRun run, int loops, HttpClient client, List<long>? ticks)
    {
        using (client)
        {
            long done = 0;
            bool measuring = false;
            bool stop = false;
            var tasks = Enumerable.Range(0, loops).Select(_ => Task.Run(async () =>
            {
                while (!Volatile.Read(ref stop))
                {
                    long start = Stopwatch.GetTimestamp();
                    using var response = await client.GetAsync(Plain);
                    response.EnsureSuccessStatusCode();
                    Interlocked.Increment(ref done);
                    if (Volatile.Read(ref measuring))
                    {
                        ticks?.Add(Stopwatch.GetTimestamp() - start);
                    }
                }
            })).ToList();
            var rate = await run.MeasureAsync(
                Task.WhenAny(tasks).Unwrap(), () => Interlocked.Read(ref done), on => Volatile.Write(ref measuring, on));
            Volatile.Write(ref stop, true);
            await Task.WhenAll(tasks);
            return rate;
        }
    }
}

/// <summary>Measures the cost of idle connections, each of which has served one request.</summary>
internal static class IdleConnections
{
    /// <summary>The server's resident memory for each connection, in KiB.</summary>
    public static async Task<double> MemoryAsync(MeasureRun run, int connections)
    {
        // Uses a new server: free memory that earlier load left in the process would hide the growth.
        await using var server = await run.Transport.StartServerAsync(1);
        using var client = run.Transport.CreateClient(server.Address, connections);
        (await client.GetAsync(new Uri("plain", UriKind.Relative))).EnsureSuccessStatusCode();
        long before = await server.ResidentBytesAsync();
        await OpenAsync(run, server, client, connections);
        long after = await server.ResidentBytesAsync();
        return (after - before) / 1024.0 / connections;
    }

    /// <summary>The server's CPU time while all connections are open, in percent of one core.</summary>
    public static async Task<double> CpuAsync(MeasureRun run, int connections)
    {
        await using var server = await run.Transport.StartServerAsync(2);
        using var client = run.Transport.CreateClient(server.Address, connections);
        await OpenAsync(run, server, client, connections);
        await Task.Delay(TimeSpan.FromSeconds(1));
        var before = server.CpuTime;
        var watch = Stopwatch.StartNew();
        await Task.Delay(run.Duration);
        return (server.CpuTime - before) / watch.Elapsed * 100;
    }

    private static async Task OpenAsync(MeasureRun run, RoleProcess server, HttpClient client, int connections)
    {
        // The server answers only when all requests have arrived, so each request needs its own connection. They are opened in groups,
        // because a burst of connections is not what is measured.
        const int AtOnce = 50;
        var requests = new List<Task<HttpResponseMessage>>();
        using var observer = run.Transport.CreateClient(server.Address, 1);
        while (requests.Count < connections)
        {
            int started = Math.Min(connections, requests.Count + AtOnce);
            while (requests.Count < started)
            {
                requests.Add(client.GetAsync(new Uri($"hold?count={connections}", UriKind.Relative)));
            }

            while (started < connections
                && int.Parse(await observer.GetStringAsync(new Uri("held", UriKind.Relative)), CultureInfo.InvariantCulture) < started)
            {
                await Task.Delay(5);
            }
        }

        foreach (var response in await Task.WhenAll(requests))
        {
            response.EnsureSuccessStatusCode();
            response.Dispose();
        }
    }
}

/// <summary>Measures what the server keeps of connections that were opened and closed.</summary>
internal static class Churn
{
    private const int AtOnce = 16;

    /// <summary>
    /// The growth of a value of the server while the given number of connections was opened and closed, each with one request.
    /// </summary>
    public static async Task<double> GrowthAsync(MeasureRun run, int connections, Func<RoleProcess, int> read)
    {
        await using var server = await run.Transport.StartServerAsync(2);
        using var client = run.Transport.CreateClient(server.Address, AtOnce);
        client.DefaultRequestHeaders.ConnectionClose = true;

        // Warm-up: compiled code and pool threads, which the first connections add, are not a leak.
        await OpenAndCloseAsync(client, connections / 10);
        await server.ResidentBytesAsync();
        int before = read(server);
        await OpenAndCloseAsync(client, connections);
        await server.ResidentBytesAsync();
        int after = read(server);
        Console.WriteLine($"{run.Transport.Name}: {before} before, {after} after {connections} connections");
        return after - before;
    }

    private static Task OpenAndCloseAsync(HttpClient client, int count) => Task.WhenAll(Enumerable.Range(0, AtOnce).Select(async _ =>
    {
        for (int i = 0; i < count / AtOnce; i++)
        {
            using var response = await client.GetAsync(new Uri("plain", UriKind.Relative));
            response.EnsureSuccessStatusCode();
        }
    }));
}
