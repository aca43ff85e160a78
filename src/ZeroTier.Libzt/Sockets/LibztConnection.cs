using System.IO.Pipelines;
using System.Net;

namespace ZeroTier.Libzt.Sockets;

/// <summary>
/// A TCP connection of libzt's stack, the object that the application holds. All operations are executed on the loop's thread.
/// </summary>
internal sealed class LibztConnection : ZeroTierConnection
{
    private readonly StreamSocket _stream;
    private ZeroTierException? _abortReason;
    private int _disposed;

    internal LibztConnection(StreamSocket stream, IPEndPoint local, IPEndPoint remote)
    {
        _stream = stream;
        LocalEndPoint = local;
        RemoteEndPoint = remote;
    }

    public override NetworkId Network => _stream.Network;

    public override IPEndPoint LocalEndPoint { get; }

    public override IPEndPoint RemoteEndPoint { get; }

    /// <summary>
    /// Always null: libzt does not expose which node's packets carry the connection, and the address does not prove it
    /// (<see cref="NodeByAddress"/>).
    /// </summary>
    public override NodeId? RemoteNode => null;

    public override PipeReader Input => _stream.Input;

    public override PipeWriter Output => _stream.Output;

    public override Task<ZeroTierException?> ReceiveEnded => _stream.ReceiveEnded;

    public override Task<ZeroTierException?> SendEnded => _stream.SendEnded;

    /// <summary>Whether the connection was aborted; the loop processes that later.</summary>
    internal bool IsAborted => Volatile.Read(ref _abortReason) is not null;

    /// <summary>The reason of the first abort.</summary>
    internal ZeroTierException AbortReason => Volatile.Read(ref _abortReason) ?? SocketErrors.Aborted();

    public override ZeroTierPeer? GetPeer() =>
        NodeByAddress.NodeOf(Network, RemoteEndPoint.Address) is { } node ? _stream.Loop.FindPeer(node) : null;

    public override void CloseOutput() => _stream.Loop.Work.Schedule(static state => ((StreamSocket)state!).CloseOutput(), _stream);

    public override void Abort(ZeroTierException? reason)
    {
        if (Interlocked.CompareExchange(ref _abortReason, reason ?? SocketErrors.Aborted(), null) is null)
        {
            _stream.Loop.Work.Schedule(static state => ((StreamSocket)state!).Abort(), _stream);
        }
    }

    public override ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            // The loop sees the completed output pipe, sends its remaining bytes, and FIN.
            _stream.End(Output);
            _stream.End(Input);
            _stream.Loop.Work.Schedule(static state => ((StreamSocket)state!).OnDisposed(), _stream);
        }

        return ValueTask.CompletedTask;
    }

    public override string ToString() => $"{LocalEndPoint} -> {RemoteEndPoint} on {Network}";
}
