using System.IO.Pipelines;
using System.Net;
using ZeroTier.Managed.IpStack.Tcp;

namespace ZeroTier.Managed.Node;

/// <summary>A TCP connection of the managed stack, as the public API presents it.</summary>
internal sealed class ManagedConnection : ZeroTierConnection
{
    private readonly JoinedNetwork _network;
    private readonly TcpSocket _socket;

    private ManagedConnection(JoinedNetwork network, TcpSocket socket)
    {
        _network = network;
        _socket = socket;
        LocalEndPoint = new IPEndPoint(socket.LocalAddress.ToIPAddress(), socket.LocalPort);
        RemoteEndPoint = new IPEndPoint(socket.RemoteAddress.ToIPAddress(), socket.RemotePort);
        RemoteNode = network.NodeOf(socket.RemoteMac);
        ReceiveEnded = Translate(socket.ReceiveEnded);
        SendEnded = Translate(socket.SendEnded);
    }

    public override NetworkId Network => _network.Id;

    public override IPEndPoint LocalEndPoint { get; }

    public override IPEndPoint RemoteEndPoint { get; }

    public override NodeId? RemoteNode { get; }

    public override PipeReader Input => _socket.Input;

    public override PipeWriter Output => _socket.Output;

    public override Task<ZeroTierException?> ReceiveEnded { get; }

    public override Task<ZeroTierException?> SendEnded { get; }

    /// <summary>The connection object of a socket: always the same one, whether an observer or the application asks first.</summary>
    public static ManagedConnection Of(JoinedNetwork network, TcpSocket socket)
    {
        if (Volatile.Read(ref socket.Owner) is ManagedConnection known)
        {
            return known;
        }

        var made = new ManagedConnection(network, socket);
        return Interlocked.CompareExchange(ref socket.Owner, made, null) as ManagedConnection ?? made;
    }

    public override ZeroTierPeer? GetPeer() => RemoteNode is { } node ? _network.FindPeer(node) : null;

    public override void CloseOutput() => _socket.CloseOutput();

    public override void Abort(ZeroTierException? reason) => _socket.Abort(ConnectionErrors.Wrap(reason));

    public override ValueTask DisposeAsync()
    {
        _socket.Dispose();
        return ValueTask.CompletedTask;
    }

    public override string ToString() => $"{LocalEndPoint} -> {RemoteEndPoint} on {Network}";

    private static async Task<ZeroTierException?> Translate(Task<TcpException?> ended) =>
        await ended.ConfigureAwait(false) is { } error ? ConnectionErrors.OfConnection(error) : null;
}
