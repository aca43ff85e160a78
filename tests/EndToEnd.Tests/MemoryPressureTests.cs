using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using System.Text;
using Kestrel.Transport.ZeroTier;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using ZeroTier;

namespace EndToEnd.Tests;

/// <summary>A server in a process of its own, whose heap has a limit, against more than it can hold.</summary>
public sealed class MemoryPressureTests(LoopbackUniverse universe, ITestOutputHelper output) : IClassFixture<LoopbackUniverse>
{
    private const string FolderVariable = "ZT_MEMORY_TEST_FOLDER";
    private const long MiB = 1024 * 1024;

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Rule_5_13_Twelve_thousand_connections_to_a_heap_of_128_MiB_are_shed_and_others_served_afterwards()
    {
        const int Connections = 12_000;
        await using var server = await ServerProcess.StartAsync(universe, 128 * MiB, Cancel);
        using var observer = new HttpClient(new ZeroTierHttpHandler(universe.Client));
        await server.GetStatisticsAsync(observer, Cancel);

        // An attempt waits for a place as long as it likes; those that never get one are given up at the end.
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        int open = 0;
        var attempts = Enumerable.Range(0, Connections).Select(async _ =>
        {
            var connection = await universe.Client.ConnectAsync(server.EndPoint, cancellationToken: giveUp.Token);
            Interlocked.Increment(ref open);
            return connection;
        }).ToArray();
        var statistics = await server.GetStatisticsAsync(observer, Cancel);
        var waited = Stopwatch.StartNew();
        while (waited.Elapsed < Limit && (statistics.Refused == 0 || open < statistics.Connections - 1))
        {
            await Task.Delay(500, Cancel);
            statistics = await server.GetStatisticsAsync(observer, Cancel);
        }

        output.WriteLine($"{statistics.Connections} connections, {statistics.Refused} refused, a heap of {statistics.Heap / MiB} MiB");
        Assert.InRange(statistics.Connections, 500, Connections - 1);
        Assert.True(statistics.Refused > 0, "Nothing was refused.");

        await giveUp.CancelAsync();
        foreach (var attempt in attempts)
        {
            try
            {
                var connection = await attempt;
                connection.Abort();
                await connection.DisposeAsync();
            }
            catch (OperationCanceledException)
            {
                // It found no place.
            }
        }

        using var other = new HttpClient(new ZeroTierHttpHandler(universe.Client)) { Timeout = Limit };
        Assert.Equal("served", await other.GetStringAsync(server.Url("/"), Cancel));
    }

    [Fact]
    public async Task Rule_6_15_Four_hundred_clients_that_never_read_cost_less_than_300_KiB_each()
    {
        const int Clients = 400;
        await using var server = await ServerProcess.StartAsync(universe, 1024 * MiB, Cancel);
        using var observer = new HttpClient(new ZeroTierHttpHandler(universe.Client));
        await server.GetStatisticsAsync(observer, Cancel);
        long before = (await server.GetStatisticsAsync(observer, Cancel)).Heap;
        byte[] request = Encoding.ASCII.GetBytes("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
        var options = ZeroTierConnectionOptions.Default with { MaxReadBufferSize = 64 * 1024 };
        var connections = new List<ZeroTierConnection>();
        for (int i = 0; i < Clients; i++)
        {
            var connection = await universe.Client.ConnectAsync(server.EndPoint, options, Cancel);
            await connection.Output.WriteAsync(request, Cancel);
            connections.Add(connection);
        }

        // Until each has filled what its connection may hold, and nothing is sent any more.
        const long Filled = Clients * 64L * 1024;
        long sent = -1;
        var statistics = await server.GetStatisticsAsync(observer, Cancel);
        for (var waited = Stopwatch.StartNew();
            waited.Elapsed < Limit && (statistics.Written < Filled || sent != statistics.Written);
            await Task.Delay(1000, Cancel))
        {
            sent = statistics.Written;
            statistics = await server.GetStatisticsAsync(observer, Cancel);
        }

        Assert.InRange(statistics.Written, Filled, long.MaxValue);
        long each = (statistics.Heap - before) / Clients / 1024;
        output.WriteLine($"{Clients} clients that never read hold {each} KiB each");
        Assert.InRange(each, 1, 300);
        foreach (var connection in connections)
        {
            connection.Abort();
            await connection.DisposeAsync();
        }
    }

    /// <summary>The server: run by the tests above in a process of its own.</summary>
    [Fact(Explicit = true)]
    public async Task Server_of_the_process()
    {
        string folder = Environment.GetEnvironmentVariable(FolderVariable)
            ?? throw new InvalidOperationException($"{FolderVariable} is not set: this is not a test to run alone.");
        var builder = WebApplication.CreateEmptyBuilder(
            new WebApplicationOptions { EnvironmentName = "Production", ApplicationName = "memory" });
        builder.Services.AddRoutingCore();
        builder.WebHost.UseKestrel().UseZeroTier(zt =>
        {
            zt.Networks.Add(LoopbackUniverse.Network.ToString());
            zt.PlanetPath = Path.Combine(folder, "..", "planet");
            zt.StoragePath = Path.Combine(folder, "node");
            zt.RequireReadyWithin = TimeSpan.FromSeconds(60);
            zt.Listen(WebHost.Port);
        });
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Limits.MinResponseDataRate = null);
        await using var app = builder.Build();
        var node = app.Services.GetRequiredService<ZeroTierNode>();
        long written = 0;
        app.MapGet("/", () => "served");
        app.MapGet("/statistics", () =>
        {
            var statistics = node.GetStatistics();
            long heap = GC.GetTotalMemory(forceFullCollection: true);
            return string.Create(
                CultureInfo.InvariantCulture,
                $"{heap} {statistics.TcpConnections} {statistics.Dropped.GetValueOrDefault("tcp.memory")} {Interlocked.Read(ref written)}");
        });
        app.MapGet("/stream", async (HttpContext context) =>
        {
            byte[] block = new byte[4096];
            while (!(await context.Response.BodyWriter.WriteAsync(block, context.RequestAborted)).IsCompleted)
            {
                Interlocked.Add(ref written, block.Length);
            }
        });
        await app.StartAsync(Cancel);
        var network = await node.WaitForNetworkAsync(LoopbackUniverse.Network, Cancel);
        await File.WriteAllTextAsync(Path.Combine(folder, "new"), network.Addresses[0].Address.ToString(), Cancel);
        File.Move(Path.Combine(folder, "new"), Path.Combine(folder, "address"));
        while (!File.Exists(Path.Combine(folder, "stop")))
        {
            await Task.Delay(100, Cancel);
        }
    }

    private readonly record struct Statistics(long Heap, long Connections, long Refused, long Written);

    private sealed class ServerProcess : IAsyncDisposable
    {
        private readonly Process _process;
        private readonly string _folder;
        private readonly Task<string> _output;
        private IPAddress _address = IPAddress.None;

        private ServerProcess(Process process, string folder)
        {
            _process = process;
            _folder = folder;
            _output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        }

        public ZeroTierEndPoint EndPoint => new(LoopbackUniverse.Network, _address, WebHost.Port);

        public Uri Url(string path) => new($"http://{new IPEndPoint(_address, WebHost.Port)}{path}");

        public static async Task<ServerProcess> StartAsync(LoopbackUniverse universe, long heap, CancellationToken cancellationToken)
        {
            string folder = universe.NewStorage();
            Directory.CreateDirectory(folder);
            string dotnet = Path.GetFullPath(Path.Combine(
                RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet"));
            var start = new ProcessStartInfo(
                dotnet,
                [
                    typeof(MemoryPressureTests).Assembly.Location,
                    "-noColor",
                    "-explicit",
                    "only",
                    "-method",
                    $"*.{nameof(Server_of_the_process)}",
                ])
            {
                RedirectStandardOutput = true,
            };
            start.Environment[FolderVariable] = folder;
            start.Environment["DOTNET_GCHeapHardLimit"] = heap.ToString("x", CultureInfo.InvariantCulture);
            var server = new ServerProcess(Process.Start(start)!, folder);
            string address = Path.Combine(folder, "address");
            for (var waited = Stopwatch.StartNew(); !File.Exists(address); await Task.Delay(100, cancellationToken))
            {
                if (server._process.HasExited || waited.Elapsed > Limit)
                {
                    server._process.Kill();
                    Assert.Fail(await server._output);
                }
            }

            server._address = IPAddress.Parse(await File.ReadAllTextAsync(address, cancellationToken));
            return server;
        }

        public async Task<Statistics> GetStatisticsAsync(HttpClient observer, CancellationToken cancellationToken)
        {
            try
            {
                string[] parts = (await observer.GetStringAsync(Url("/statistics"), cancellationToken)).Split(' ');
                long[] numbers = [.. parts.Select(part => long.Parse(part, CultureInfo.InvariantCulture))];
                return new Statistics(numbers[0], numbers[1], numbers[2], numbers[3]);
            }
            catch (HttpRequestException) when (_process.HasExited)
            {
                Assert.Fail($"The process has died with exit code {_process.ExitCode}. {await _output}");
                throw;
            }
        }

        public async ValueTask DisposeAsync()
        {
            await File.WriteAllTextAsync(Path.Combine(_folder, "stop"), "");
            try
            {
                using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
                await _process.WaitForExitAsync(limit.Token);
            }
            catch (OperationCanceledException)
            {
                _process.Kill();
                await _process.WaitForExitAsync(CancellationToken.None);
            }

            _process.Dispose();
        }
    }
}
