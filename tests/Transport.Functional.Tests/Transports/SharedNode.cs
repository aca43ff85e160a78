using ZeroTier;

namespace Transport.Functional.Tests.Transports;

/// <summary>A running node that several hosts use in turn or at once: what a host does to end its node does nothing here.</summary>
internal sealed class SharedNode(IZeroTierNode inner) : IZeroTierNode
{
    public string Engine => inner.Engine;

    public string EngineVersion => inner.EngineVersion;

    public ZeroTierNodeState State => inner.State;

    public ZeroTierException? FatalError => inner.FatalError;

    public NodeId Id => inner.Id;

    public bool IsOnline => inner.IsOnline;

    public IReadOnlyList<ZeroTierNetwork> Networks => inner.Networks;

    public IReadOnlyList<ZeroTierPeer> Peers => inner.Peers;

    public Task StartAsync(CancellationToken cancellationToken = default) => Task.CompletedTask;

    // Would wait for the connections of other tests too; what was sent arrives anyway, for the node lives on.
    public ValueTask DrainAsync(CancellationToken cancellationToken = default) => ValueTask.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken = default) => Task.CompletedTask;

    public Task RestartAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException("The node is shared.");

    public Task JoinAsync(NetworkId network, CancellationToken cancellationToken = default) => inner.JoinAsync(network, cancellationToken);

    public Task LeaveAsync(NetworkId network, CancellationToken cancellationToken = default) => throw new NotSupportedException("The node is shared.");

    public Task WaitForOnlineAsync(CancellationToken cancellationToken = default) => inner.WaitForOnlineAsync(cancellationToken);

    public Task<ZeroTierNetwork> WaitForNetworkAsync(NetworkId network, CancellationToken cancellationToken = default) =>
        inner.WaitForNetworkAsync(network, cancellationToken);

    public IZeroTierEventSubscription Subscribe(int capacity = 256) => inner.Subscribe(capacity);

    public ValueTask<IZeroTierListener> ListenAsync(ZeroTierEndPoint endPoint, ZeroTierConnectionOptions? options = null, CancellationToken cancellationToken = default) =>
        inner.ListenAsync(endPoint, options, cancellationToken);

    public ValueTask<ZeroTierConnection> ConnectAsync(ZeroTierEndPoint endPoint, ZeroTierConnectionOptions? options = null, CancellationToken cancellationToken = default) =>
        inner.ConnectAsync(endPoint, options, cancellationToken);

    public ValueTask<IZeroTierDatagramSocket> BindDatagramAsync(ZeroTierEndPoint endPoint, CancellationToken cancellationToken = default) =>
        inner.BindDatagramAsync(endPoint, cancellationToken);

    public ZeroTierStatistics GetStatistics() => inner.GetStatistics();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
