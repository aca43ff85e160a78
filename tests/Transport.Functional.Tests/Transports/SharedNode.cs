using ZeroTier;

namespace Transport.Functional.Tests.Transports;

/// <summary>A running node that several hosts use in turn or at once: what a host does to end its node does nothing here.</summary>
internal sealed class SharedNode(ZeroTierNode inner) : ZeroTierNode
{
    public override string Engine => inner.Engine;

    public override string EngineVersion => inner.EngineVersion;

    public override ZeroTierNodeState State => inner.State;

    public override ZeroTierException? FatalError => inner.FatalError;

    public override NodeId Id => inner.Id;

    public override bool IsOnline => inner.IsOnline;

    public override IReadOnlyList<ZeroTierNetwork> Networks => inner.Networks;

    public override IReadOnlyList<ZeroTierPeer> Peers => inner.Peers;

    public override ZeroTierMembership? GetMembership(NetworkId network, NodeId member) => inner.GetMembership(network, member);

    public override Task StartAsync(CancellationToken cancellationToken = default) => Task.CompletedTask;

    // Would wait for the connections of other tests too; what was sent arrives anyway, for the node lives on.
    public override ValueTask DrainAsync(CancellationToken cancellationToken = default) => ValueTask.CompletedTask;

    public override Task StopAsync(CancellationToken cancellationToken = default) => Task.CompletedTask;

    public override Task RestartAsync(CancellationToken cancellationToken = default) =>
        throw new NotSupportedException("The node is shared.");

    public override Task JoinAsync(NetworkId network, CancellationToken cancellationToken = default) =>
        inner.JoinAsync(network, cancellationToken);

    public override Task LeaveAsync(NetworkId network, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException("The node is shared.");

    public override Task WaitForOnlineAsync(CancellationToken cancellationToken = default) => inner.WaitForOnlineAsync(cancellationToken);

    public override Task<ZeroTierNetwork> WaitForNetworkAsync(NetworkId network, CancellationToken cancellationToken = default) =>
        inner.WaitForNetworkAsync(network, cancellationToken);

    public override IZeroTierEventSubscription Subscribe(int capacity) => inner.Subscribe(capacity);

    protected override ValueTask<IZeroTierListener> ListenCoreAsync(
        ZeroTierEndPoint endPoint, ZeroTierConnectionOptions options, CancellationToken cancellationToken) =>
        inner.ListenAsync(endPoint, options, cancellationToken);

    protected override ValueTask<ZeroTierConnection> ConnectCoreAsync(
        ZeroTierEndPoint endPoint, ZeroTierConnectionOptions options, CancellationToken cancellationToken) =>
        inner.ConnectAsync(endPoint, options, cancellationToken);

    protected override ValueTask<IZeroTierDatagramSocket> BindDatagramCoreAsync(
        ZeroTierEndPoint endPoint, CancellationToken cancellationToken) =>
        inner.BindDatagramAsync(endPoint, cancellationToken);

    public override ZeroTierStatistics GetStatistics() => inner.GetStatistics();

    public override ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
