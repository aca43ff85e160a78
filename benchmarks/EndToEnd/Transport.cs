namespace EndToEnd;

/// <summary>One of the compared transports: how the server listens and how the client connects.</summary>
internal abstract class Transport : IAsyncDisposable
{
    public const string ZeroTier = "zerotier";
    public const string ZeroTierPrivate = "zerotier_private";
    public const string Sockets = "sockets";
    public const string SocketsTls = "sockets_tls";

    /// <summary>The values of <c>--transports</c>, in the order of the results.</summary>
    public static IReadOnlyList<string> Names { get; } = [ZeroTier, Sockets, SocketsTls];

    public abstract string Name { get; }

    /// <summary>
    /// The arguments of a server process after the transport's name. Servers that run at the same time have different numbers.
    /// </summary>
    public virtual IReadOnlyList<string> ServerArguments(int number) => [];

    /// <summary>The command that starts a server's process, for example one that enters a network namespace; empty for none.</summary>
    public virtual IReadOnlyList<string> ServerCommand => [];

    /// <summary>Starts a server and waits until clients can connect.</summary>
    public Task<RoleProcess> StartServerAsync(int number = 0) =>
        RoleProcess.StartAsync(ServerCommand, ["--server", Name, .. ServerArguments(number)]);

    /// <summary>
    /// The number of connections for measuring the memory of one: many, but not more than a server of this transport can have.
    /// </summary>
    public virtual int IdleConnections => 1000;

    /// <summary>Creates a transport. The engines are for the client's process; a server gets its engine from its arguments.</summary>
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

    /// <summary>Server: waits until clients can connect, and reports the time of each step.</summary>
    /// <returns>The URL to call.</returns>
    public abstract Task<string> WaitUntilReachableAsync(WebApplication app, Action<string> time);

    /// <summary>Client: creates an HTTP client with at most this many connections.</summary>
    public abstract HttpClient CreateClient(Uri address, int connections);

    /// <summary>Client: opens the resources that the clients share.</summary>
    public virtual Task OpenClientAsync() => Task.CompletedTask;

    public virtual ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>Creates a client with the settings that all transports share.</summary>
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
