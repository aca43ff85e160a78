using System.IO.Pipelines;
using System.Net;

namespace ZeroTier;

/// <summary>
/// A TCP connection on a ZeroTier network. The engine owns the far ends of the pipes: it writes received bytes to
/// <see cref="IDuplexPipe.Input"/> and sends what is written to <see cref="IDuplexPipe.Output"/>.
/// </summary>
/// <remarks>
/// <para>Completing <see cref="IDuplexPipe.Output"/> sends FIN after the last byte; completing it with an exception resets the connection.
/// Completing <see cref="IDuplexPipe.Input"/> discards what the peer still sends, for a limited time, without a reset.</para>
/// <para>The pipes follow the rules of <see cref="PipeReader"/> and <see cref="PipeWriter"/>; all other members are thread-safe.</para>
/// </remarks>
public abstract class ZeroTierConnection : IDuplexPipe, IAsyncDisposable
{
    /// <summary>The network that carries the connection.</summary>
    public abstract NetworkId Network { get; }

    /// <summary>The local endpoint. Stays readable after close.</summary>
    public abstract IPEndPoint LocalEndPoint { get; }

    /// <summary>The remote endpoint. Stays readable after close.</summary>
    public abstract IPEndPoint RemoteEndPoint { get; }

    /// <summary>The node at the other end, from the authenticated source of its packets; null when the engine cannot prove it.</summary>
    public abstract NodeId? RemoteNode { get; }

    /// <summary>
    /// Bytes received. Ends with a completed read after FIN, with a <see cref="ZeroTierException"/> after a reset or failure.
    /// </summary>
    public abstract PipeReader Input { get; }

    /// <summary>Bytes to send.</summary>
    public abstract PipeWriter Output { get; }

    /// <summary>
    /// Completes when nothing more will be received: with null after FIN or a local close, else with the reason. Never faults.
    /// </summary>
    public abstract Task<ZeroTierException?> ReceiveEnded { get; }

    /// <summary>
    /// Completes when nothing more will be sent: with null once FIN is queued behind the last byte, else with the reason. Never faults.
    /// </summary>
    public abstract Task<ZeroTierException?> SendEnded { get; }

    /// <summary>Data that the connection's owner attaches to it, such as its log ID. Engines neither read nor write it.</summary>
    internal object? Tag { get; set; }

    /// <summary>
    /// A snapshot of the peer at the other end; null when unknown. When <see cref="RemoteNode"/> is null, it is the peer to which the
    /// remote address belongs, which does not prove the sender.
    /// </summary>
    public abstract ZeroTierPeer? GetPeer();

    /// <summary>
    /// Ends sending gracefully, from any thread and without completing the application's end of the pipe: FIN is sent behind the bytes that
    /// the engine has already taken from <see cref="Output"/>, the rest is dropped, and flushes report completion. Idempotent; does nothing
    /// after <see cref="Abort()"/>.
    /// </summary>
    /// <remarks>An engine that cannot do this resets the connection instead, which is what the base implementation does.</remarks>
    public virtual void CloseOutput() => Abort();

    /// <summary>Resets the connection (RST). Idempotent. Pending reads and writes end.</summary>
    public void Abort() => Abort(null);

    /// <summary>Resets the connection (RST). Idempotent; the first reason wins. Pending reads and writes end with it.</summary>
    /// <param name="reason">The error that pending and later reads and writes get; null for a general one.</param>
    public abstract void Abort(ZeroTierException? reason);

    /// <summary>
    /// Releases the connection: both pipes are completed; the engine still delivers queued bytes and FIN in the background. Never throws,
    /// never waits for the peer. Idempotent.
    /// </summary>
    public abstract ValueTask DisposeAsync();
}
