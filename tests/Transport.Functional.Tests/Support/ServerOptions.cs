namespace Transport.Functional.Tests.Support;

/// <summary>What a test changes on its server.</summary>
internal sealed class ServerOptions
{
    public Action<ListenOptions>? Listen { get; set; }

    public Action<KestrelServerOptions>? Kestrel { get; set; }

    public Action<WebApplicationBuilder>? Builder { get; set; }

    /// <summary>Middleware before the test's own handler.</summary>
    public Action<WebApplication>? Pipeline { get; set; }

    public long? MaxReadBufferSize { get; set; } = 1024 * 1024;

    public long? MaxWriteBufferSize { get; set; } = 64 * 1024;
}
