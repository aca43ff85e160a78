using ZeroTier.Managed.IpStack.Tcp;

namespace ZeroTier.Managed.Node;

/// <summary>A listening TCP port.</summary>
internal sealed class ManagedListener(JoinedNetwork network, TcpListener listener, ZeroTierEndPoint endPoint) : IZeroTierListener
{
    public ZeroTierEndPoint EndPoint => endPoint;

    public async ValueTask<ZeroTierConnection?> AcceptAsync(CancellationToken cancellationToken = default) =>
        await listener.AcceptAsync(cancellationToken).ConfigureAwait(false) is { } socket ? ManagedConnection.Of(network, socket) : null;

    public ValueTask DisposeAsync()
    {
        listener.Dispose();
        return ValueTask.CompletedTask;
    }
}
