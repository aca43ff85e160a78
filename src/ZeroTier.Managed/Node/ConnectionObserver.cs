using ZeroTier.Engines;
using ZeroTier.Managed.IpStack.Tcp;

namespace ZeroTier.Managed.Node;

/// <summary>Adapts an observer of connections to the stack's observer of sockets.</summary>
internal sealed class ConnectionObserver(ShieldedObserver observer, JoinedNetwork network) : ITcpSocketObserver
{
    public void OnPaused(TcpSocket socket) => observer.OnPaused(ManagedConnection.Of(network, socket));

    public void OnResumed(TcpSocket socket) => observer.OnResumed(ManagedConnection.Of(network, socket));

    public void OnFinReceived(TcpSocket socket) => observer.OnFinReceived(ManagedConnection.Of(network, socket));

    public void OnResetReceived(TcpSocket socket) => observer.OnResetReceived(ManagedConnection.Of(network, socket));

    public void OnFinSent(TcpSocket socket) => observer.OnFinSent(ManagedConnection.Of(network, socket));

    public void OnResetSent(TcpSocket socket, TcpException reason) =>
        observer.OnResetSent(ManagedConnection.Of(network, socket), ConnectionErrors.OfConnection(reason));
}
