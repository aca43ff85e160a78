using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using ZeroTier;
using ZeroTier.Conformance;
using ZeroTier.Libzt.Tests.Conformance;

namespace Kestrel.Transport.ZeroTier.Tests.Engines;

/// <summary>Rules of the transport contract for whose keeping the engine matters: the same tests over each.</summary>
public abstract partial class EngineRules<TEngine> : ConformanceTest<TEngine>
    where TEngine : IConformanceEngine, new()
{
    private protected const int Port = 8080;

    /// <summary>A web application on the pair's server. It owns the node from now on.</summary>
    private protected async Task<EngineHost> StartHostAsync(
        Action<ZeroTierOptions>? options = null, Action<WebApplicationBuilder>? builder = null, bool start = true)
    {
        var host = new EngineHost(Pair, options, builder);
        if (start)
        {
            await Bounded(host.App.StartAsync(Token));
        }

        return host;
    }

    private protected Task<ZeroTierConnection> DialAsync(int port = Port) => Bounded(Client.ConnectAsync(On(Server, port), Token));

    private protected static async Task EventuallyAsync(Func<bool> condition, string what)
    {
        using var limit = new CancellationTokenSource(Limit);
        while (!condition())
        {
            Assert.False(limit.IsCancellationRequested, $"Did not happen: {what}");
            await Task.Delay(10, CancellationToken.None);
        }
    }

    /// <summary>Sends one request by hand and reads the whole answer, without closing.</summary>
    private protected async Task<string> AskAsync(ZeroTierConnection connection, string path = "/")
    {
        await Send(connection, System.Text.Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: test\r\n\r\n"));
        while (true)
        {
            var read = await Bounded(connection.Input.ReadAsync(Token));
            string text = System.Text.EncodingExtensions.GetString(System.Text.Encoding.ASCII, read.Buffer);
            if (text.EndsWith("0\r\n\r\n", StringComparison.Ordinal) || read.IsCompleted)
            {
                connection.Input.AdvanceTo(read.Buffer.End);
                return text;
            }

            connection.Input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    /// <summary>An application on the server of a pair, and a client on the other node.</summary>
    private protected sealed class EngineHost : IAsyncDisposable
    {
        private readonly NodePair _pair;

        public EngineHost(NodePair pair, Action<ZeroTierOptions>? options, Action<WebApplicationBuilder>? builder)
        {
            _pair = pair;
            var web = WebApplication.CreateEmptyBuilder(
                new WebApplicationOptions { EnvironmentName = "Production", ApplicationName = "test" });
            web.Logging.AddProvider(Logs).SetMinimumLevel(LogLevel.Debug);
            web.Services.AddRoutingCore();
            web.Services.AddHealthChecks().AddZeroTier();
            web.Services.AddSingleton<INodeFactory>(new GivenNode(pair.Server));
            web.WebHost.UseKestrelCore();
            web.WebHost.UseZeroTier(zt =>
            {
                zt.Networks.Add(pair.Network.ToString());
                if (options is null)
                {
                    zt.Listen(Port);
                }

                options?.Invoke(zt);
            });
            builder?.Invoke(web);
            App = web.Build();
            App.MapGet("/", () => "hello");
            Http = new HttpClient(new ZeroTierHttpHandler(pair.Client)) { Timeout = Limit };
        }

        public WebApplication App { get; }

        public LogCollector Logs { get; } = new();

        public HttpClient Http { get; }

        public ListenerRegistry Registry => App.Services.GetRequiredService<ListenerRegistry>();

        public IPAddress Address => _pair.Server.Networks.Single(n => n.Id == _pair.Network).Addresses[0].Address;

        public Task<string> GetAsync(int port = Port, string path = "/") =>
            Http.GetStringAsync($"http://{new IPEndPoint(Address, port)}{path}");

        public async Task<HealthStatus> HealthAsync() =>
            (await App.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync()).Status;

        public ValueTask<IConnectionListener> BindAsync(int port, CancellationToken cancellationToken = default) =>
            App.Services.GetServices<IConnectionListenerFactory>().OfType<ListenerFactory>().Single()
                .BindAsync(new ZeroTierEndPoint(_pair.Network, port), cancellationToken);

        public async ValueTask DisposeAsync()
        {
            Http.Dispose();
            await App.DisposeAsync().AsTask().WaitAsync(Limit);
        }
    }
}

public sealed class FakeEngineRules : EngineRules<FakeEngine>;

public sealed class ManagedEngineRules : EngineRules<ManagedEngine>;

/// <summary>The native engine, each node on a double of libzt.</summary>
public sealed class LibztEngineRules : EngineRules<LibztDoubleEngine>
{
    // libzt has 1024 sockets, some of them its own.
    private protected override int ManyConnections => 400;
}
