namespace ZeroTier.Managed.IpStack.Tcp;

/// <summary>A listening port. Thread-safe.</summary>
internal sealed class TcpListener : IDisposable
{
    internal TcpListener(IpAddress? address, int port)
    {
        Address = address;
        Port = port;
    }

    /// <summary>Null for every address.</summary>
    public IpAddress? Address { get; }

    /// <summary>The real port, 1 to 65535.</summary>
    public int Port { get; }

    /// <summary>The next connection, or null once the listener is closed.</summary>
    public ValueTask<TcpSocket?> AcceptAsync(CancellationToken cancellationToken = default) => new((TcpSocket?)null);

    /// <summary>Stops listening; accepted connections live on, those still waiting are reset. Idempotent.</summary>
    public void Dispose()
    {
    }
}
