namespace ZeroTier.Managed.IpStack.Tcp;

/// <summary>TCP for one set of local addresses: demultiplexing, listeners, ports and timers. Thread-safe.</summary>
internal sealed class TcpLayer : IDisposable
{
    public TcpLayer(IIpOutput output, TimeProvider time, RandomSource random, TcpLayerOptions? options = null) =>
        Statistics = new TcpStatistics();

    public TcpStatistics Statistics { get; }

    /// <summary>Connections now open: established or closing, not half-open, not in TIME-WAIT.</summary>
    public int ConnectionCount => 0;

    /// <summary>A received packet's payload. The effects that reach applications and the wire wait for <see cref="EndOfBatch"/>.</summary>
    public void OnSegment(in IpAddress source, in IpAddress destination, MacAddress sourceMac, ReadOnlySpan<byte> segment)
    {
    }

    /// <summary>After each batch of received packets: flushes, acknowledgements and newly permitted segments leave together.</summary>
    public void EndOfBatch()
    {
    }

    /// <summary>Binds an address (null: every address of both families) and a port (0: a free one).</summary>
    /// <exception cref="TcpException">The port is taken.</exception>
    public TcpListener Listen(IpAddress? address, int port, TcpListenOptions? options = null) => throw new TcpException(TcpError.AddressInUse, "not yet");

    /// <exception cref="TcpException">Refused, timed out, or no port is free.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled; the attempt is over.</exception>
    public ValueTask<TcpSocket> ConnectAsync(
        IpAddress local, IpAddress remote, int port, TcpSocketOptions? options = null, CancellationToken cancellationToken = default) =>
        throw new TcpException(TcpError.ConnectionRefused, "not yet");

    /// <summary>Resets every connection on a local address that is no longer ours. Listeners stay.</summary>
    public void RemoveAddress(IpAddress address)
    {
    }

    /// <summary>Ends when every connection's written bytes are acknowledged or lost for good.</summary>
    public Task DrainAsync(CancellationToken cancellationToken = default) => Task.CompletedTask;

    /// <summary>Resets all connections, closes all listeners, gives back buffers and the timer.</summary>
    public void Dispose()
    {
    }
}
