namespace EndToEnd;

/// <summary>One of the compared transports: how the server listens on it and how the client reaches it.</summary>
internal abstract class Transport : IAsyncDisposable
{
    public const string ZeroTier = "zerotier";
    public const string ZeroTierPrivate = "zerotier_private";
    public const string Sockets = "sockets";
    public const string SocketsTls = "sockets_tls";

    /// <summary>What <c>--transports</c> accepts, in the order of the results.</summary>
    public static IReadOnlyList<string> Names { get; } = [ZeroTier, Sockets, SocketsTls];

    public abstract string Name { get; }

    /// <summary>What a server process is told besides the name. Servers that run at the same time have different numbers.</summary>
    public virtual IReadOnlyList<string> ServerArguments(int number) => [];

    /// <summary>What a server's process is started with, such as a command that enters a network namespace; empty for nothing.</summary>
    public virtual IReadOnlyList<string> ServerCommand => [];

    /// <summary>Connections that a server of this transport can hold, enough to measure one by the growth of all.</summary>
    public virtual int IdleConnections => 1000;

    /// <summary>Makes a transport; the engines matter for the client's side, a server learns its own from its arguments.</summary>
    public static Transport Create(string name, Engines engines) => name switch
    {
        Sockets => new SocketsTransport(tls: false),
        SocketsTls => new SocketsTransport(tls: true),
        ZeroTierPrivate => new ZeroTierTransport(engines, BenchmarkNetwork.Private),
        _ => new ZeroTierTransport(engines, BenchmarkNetwork.AdHoc),
    };

    /// <summary>
    /// The environment by which <c>samples/WebApi</c> serves on this transport alone. Apps of different names keep their state apart.
    /// </summary>
    public abstract IReadOnlyDictionary<string, string> AppSettings(string app);

    /// <summary>Server: adds the endpoint.</summary>
    public abstract void Configure(WebApplicationBuilder builder, string[] arguments);

    /// <summary>Server: waits until clients can connect, noting the steps.</summary>
    /// <returns>The address to call.</returns>
    public abstract Task<string> WaitUntilReachableAsync(WebApplication app, Action<string> time);

    /// <summary>Client: an HTTP client with at most this many connections.</summary>
    public abstract HttpClient CreateClient(Uri address, int connections);

    /// <summary>Client: opens what the clients share.</summary>
    public virtual Task OpenClientAsync() => Task.CompletedTask;

    public virtual ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>The settings that all clients share.</summary>
    protected static HttpClient CreateClient(Uri address, int connections, HttpMessageHandler handler, SocketsHttpHandler sockets)
    {
        sockets.MaxConnectionsPerServer = connections;
        sockets.UseProxy = false;
        sockets.UseCookies = false;
        sockets.AllowAutoRedirect = false;
        sockets.ActivityHeadersPropagator = null;
        sockets.PooledConnectionIdleTimeout = TimeSpan.FromMinutes(10);
        return new HttpClient(handler) { BaseAddress = address, Timeout = Timeout.InfiniteTimeSpan };
    }
}
