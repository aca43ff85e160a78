using System.IO.Pipelines;

namespace ZeroTier.Managed.IpStack.Tcp;

/// <summary>One connection with its pipes. All but the pipes is thread-safe.</summary>
internal sealed class TcpSocket : IDisposable, IAsyncDisposable
{
    /// <summary>Whatever the layer above keeps with the connection. A field, for compare-and-exchange.</summary>
    public object? Owner;

    public IpAddress LocalAddress { get; }

    public IpAddress RemoteAddress { get; }

    public int LocalPort { get; }

    public int RemotePort { get; }

    /// <summary>The link address that sent the SYN or SYN-ACK. Segments from others are dropped.</summary>
    public MacAddress RemoteMac { get; }

    /// <summary>Received bytes. Ends with a completed read after FIN, with a <see cref="TcpException"/> otherwise.</summary>
    public PipeReader Input => throw new NotSupportedException();

    /// <summary>Bytes to send. Completing it sends FIN after the last byte, completing it with an exception resets the connection.</summary>
    public PipeWriter Output => throw new NotSupportedException();

    /// <summary>Ends when nothing more will be received: null after FIN or a local close, else why. Never faults.</summary>
    public Task<TcpException?> ReceiveEnded => Task.FromResult<TcpException?>(null);

    /// <summary>Ends when nothing more will be taken from the application: null when FIN was queued, else why. Never faults.</summary>
    public Task<TcpException?> SendEnded => Task.FromResult<TcpException?>(null);

    /// <summary>The smoothed round trip time; zero before the first measurement.</summary>
    public TimeSpan RoundTripTime => default;

    /// <summary>Resets the connection (RST). Idempotent; the first reason wins.</summary>
    public void Abort(TcpException? reason = null)
    {
    }

    /// <summary>Gives the connection up: queued bytes and FIN are still delivered in the background. Never throws, never waits. Idempotent.</summary>
    public void Dispose()
    {
    }

    /// <inheritdoc cref="Dispose"/>
    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }
}
