using System.Diagnostics;

namespace EndToEnd;

/// <summary>What a measure works with.</summary>
internal sealed record MeasureRun(Transport Transport, ServerProcess Server, TimeSpan Duration)
{
    public HttpClient CreateClient(int connections) => Transport.CreateClient(Server.Address, connections);
}

/// <summary>One line of the result: either run under load, or read from the server's start-up times.</summary>
internal sealed record Measure(string Name, string Unit, bool HigherIsBetter, Func<MeasureRun, Task<double>>? Run, string? Start = null)
{
    public static IReadOnlyList<Measure> All { get; } =
    [
        new("download_1", "MB/s", true, r => Throughput.DownloadAsync(r, 1)),
        new("download_8", "MB/s", true, r => Throughput.DownloadAsync(r, 8)),
        new("upload_1", "MB/s", true, r => Throughput.UploadAsync(r, 1)),
        new("upload_8", "MB/s", true, r => Throughput.UploadAsync(r, 8)),
        new("requests_32", "1/s", true, r => Requests.PerSecondAsync(r, 32)),
        new("round_trip_p50", "us", false, r => Requests.RoundTripAsync(r, 0.5)),
        new("round_trip_p99", "us", false, r => Requests.RoundTripAsync(r, 0.99)),
        new("connections_opened", "1/s", true, Requests.ConnectionsPerSecondAsync),
        new("idle_connection_memory", "KiB", false, r => IdleMemory.PerConnectionAsync(r, 1000)),
        new("start_to_online", "ms", false, null, "online"),
        new("start_to_joined", "ms", false, null, "joined"),
        new("start_to_first_response", "ms", false, null, "response"),
    ];
}

/// <summary>Bytes per second over one or several connections, counted on the client while all of them run.</summary>
internal static class Throughput
{
    private const int BlockBytes = 64 * 1024;
    private static readonly byte[] Block = new byte[BlockBytes];

    public static Task<double> DownloadAsync(MeasureRun run, int connections) =>
        CountAsync(run, connections, async (client, count, stop) =>
        {
            var buffer = new byte[2 * BlockBytes];
            using var response = await client.GetAsync(new Uri("download", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, stop);
            response.EnsureSuccessStatusCode();
            await using var body = await response.Content.ReadAsStreamAsync(stop);
            while (await body.ReadAsync(buffer, stop) is > 0 and int length)
            {
                count(length);
            }
        });

    public static Task<double> UploadAsync(MeasureRun run, int connections) =>
        CountAsync(run, connections, async (client, count, stop) =>
        {
            using var content = new EndlessContent(Block, count, stop);
            using var response = await client.PostAsync(new Uri("upload", UriKind.Relative), content, stop);
        });

    private static async Task<double> CountAsync(MeasureRun run, int connections, Func<HttpClient, Action<int>, CancellationToken, Task> transfer)
    {
        using var client = run.CreateClient(connections);
        using var stop = new CancellationTokenSource();
        long bytes = 0;
        var transfers = Enumerable.Range(0, connections)
            .Select(_ => Task.Run(() => transfer(client, n => Interlocked.Add(ref bytes, n), stop.Token)))
            .ToList();
        await Task.WhenAny(Task.WhenAny(transfers), Task.Delay(run.Duration / 5));
        long before = Interlocked.Read(ref bytes);
        var watch = Stopwatch.StartNew();
        var failed = await Task.WhenAny(Task.WhenAny(transfers), Task.Delay(run.Duration)) as Task<Task>;
        double seconds = watch.Elapsed.TotalSeconds;
        long after = Interlocked.Read(ref bytes);
        if (failed is not null)
        {
            // Transfers have no end of their own.
            await await failed;
            throw new InvalidOperationException("A transfer ended early.");
        }

        await stop.CancelAsync();
        await Task.WhenAll(transfers).ContinueWith(_ => { }, TaskScheduler.Default);
        return (after - before) / seconds / 1e6;
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

/// <summary>Small requests: how many, how fast, and each on a new connection.</summary>
internal static class Requests
{
    private static readonly Uri Plain = new("plain", UriKind.Relative);

    public static Task<double> PerSecondAsync(MeasureRun run, int connections) => LoopsAsync(run, connections, run.CreateClient(connections), null);

    public static async Task<double> RoundTripAsync(MeasureRun run, double quantile)
    {
        var ticks = new List<long>(1_000_000);
        await LoopsAsync(run, 1, run.CreateClient(1), ticks);
        ticks.Sort();
        return Stopwatch.GetElapsedTime(0, ticks[(int)(quantile * (ticks.Count - 1))]).TotalMicroseconds;
    }

    /// <summary>Four at a time: connect, handshake, one request, close.</summary>
    public static Task<double> ConnectionsPerSecondAsync(MeasureRun run)
    {
        var client = run.CreateClient(4);
        client.DefaultRequestHeaders.ConnectionClose = true;
        return LoopsAsync(run, 4, client, null);
    }

    private static async Task<double> LoopsAsync(MeasureRun run, int loops, HttpClient client, List<long>? ticks)
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
                    if (Volatile.Read(ref measuring))
                    {
                        Interlocked.Increment(ref done);
                        ticks?.Add(Stopwatch.GetTimestamp() - start);
                    }
                }
            })).ToList();
            var all = Task.WhenAll(tasks);
            await Task.WhenAny(all, Task.Delay(run.Duration / 5));
            Volatile.Write(ref measuring, true);
            var watch = Stopwatch.StartNew();
            await Task.WhenAny(all, Task.Delay(run.Duration));
            Volatile.Write(ref measuring, false);
            double seconds = watch.Elapsed.TotalSeconds;
            Volatile.Write(ref stop, true);
            await all;
            return done / seconds;
        }
    }
}

/// <summary>Resident memory of the server for each connection that has served one request and now does nothing.</summary>
internal static class IdleMemory
{
    public static async Task<double> PerConnectionAsync(MeasureRun run, int connections)
    {
        // A server of its own: free memory that earlier load left behind would hide the growth.
        await using var server = await ServerProcess.StartAsync(run.Transport, 1);
        using var client = run.Transport.CreateClient(server.Address, connections);
        (await client.GetAsync(new Uri("plain", UriKind.Relative))).EnsureSuccessStatusCode();
        long before = await server.ResidentBytesAsync();

        // The server answers only when all have asked, so each needs a connection of its own.
        var hold = new Uri($"hold?count={connections}", UriKind.Relative);
        var requests = Enumerable.Range(0, connections).Select(_ => client.GetAsync(hold)).ToList();
        foreach (var response in await Task.WhenAll(requests))
        {
            response.EnsureSuccessStatusCode();
            response.Dispose();
        }

        long after = await server.ResidentBytesAsync();
        return (after - before) / 1024.0 / connections;
    }
}
