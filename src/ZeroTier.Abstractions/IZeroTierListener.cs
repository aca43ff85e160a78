namespace ZeroTier;

/// <summary>A listening TCP port on a ZeroTier network. Thread-safe.</summary>
public interface IZeroTierListener : IAsyncDisposable
{
    /// <summary>The bound endpoint, with the actual port.</summary>
    ZeroTierEndPoint EndPoint { get; }

    /// <summary>
    /// The next connection, or null once the listener is closed: by <see cref="IAsyncDisposable.DisposeAsync"/>, by leaving the network, or
    /// by stopping the node.
    /// </summary>
    /// <exception cref="OperationCanceledException">The token was cancelled; the listener goes on.</exception>
    ValueTask<ZeroTierConnection?> AcceptAsync(CancellationToken cancellationToken = default);
}
