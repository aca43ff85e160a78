using System.Net;
using System.Runtime.CompilerServices;

namespace ZeroTier.Service.AspNetCore.Tests;

/// <summary>A node that is told as little as libzt is: no paths, no settings of networks, no moons.</summary>
internal sealed class SparseNode : ZeroTierNode
{
    private readonly List<NetworkId> _joined = [];

    public override string Engine => "libzt";

    public override string EngineVersion => "1.8.10";

    public override ZeroTierNodeState State => CurrentState;

    public ZeroTierNodeState CurrentState { get; set; } = ZeroTierNodeState.Running;

    public override ZeroTierException? FatalError => null;

    public override NodeId Id { get; } = NodeId.Parse("89e92ceee5");

    public override bool IsOnline => true;

    public override IReadOnlyList<ZeroTierNetwork> Networks =>
    [
        .. _joined.Select(id => new ZeroTierNetwork(id, ZeroTierNetworkStatus.Ok)
        {
            Name = "office \"1\"\n",
            Mtu = 2800,
            Addresses = [new(IPAddress.Parse("10.147.17.5"), 24)],
        }),
    ];

    public override IReadOnlyList<ZeroTierPeer> Peers =>
        [new ZeroTierPeer(NodeId.Parse("8056c2e21c"), ZeroTierPeerRole.Leaf) { IsDirect = true }];

    public override Task StartAsync(CancellationToken cancellationToken = default) => Task.CompletedTask;

    public override ValueTask DrainAsync(CancellationToken cancellationToken = default) => ValueTask.CompletedTask;

    public override Task StopAsync(CancellationToken cancellationToken = default) => Task.CompletedTask;

    public override Task RestartAsync(CancellationToken cancellationToken = default) => Task.CompletedTask;

    public override Task JoinAsync(NetworkId network, CancellationToken cancellationToken = default)
    {
        _joined.Add(network);
        return Task.CompletedTask;
    }

    public override Task LeaveAsync(NetworkId network, CancellationToken cancellationToken = default)
    {
        _joined.Remove(network);
        return Task.CompletedTask;
    }

    public override Task WaitForOnlineAsync(CancellationToken cancellationToken = default) => Task.CompletedTask;

    public override Task<ZeroTierNetwork> WaitForNetworkAsync(NetworkId network, CancellationToken cancellationToken = default) =>
        Task.FromResult(Networks.First(joined => joined.Id == network));

    public override IZeroTierEventSubscription Subscribe(int capacity) => new NoEvents();

    protected override ValueTask<IZeroTierListener> ListenCoreAsync(
        ZeroTierEndPoint endPoint, ZeroTierConnectionOptions options, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

    protected override ValueTask<ZeroTierConnection> ConnectCoreAsync(
        ZeroTierEndPoint endPoint, ZeroTierConnectionOptions options, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

    protected override ValueTask<IZeroTierDatagramSocket> BindDatagramCoreAsync(
        ZeroTierEndPoint endPoint, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public override ZeroTierStatistics GetStatistics() =>
        new() { BytesReceived = 7, Dropped = new Dictionary<string, long> { ["vl1.mac"] = 3 } };

    public override ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private sealed class NoEvents : IZeroTierEventSubscription
    {
        private readonly TaskCompletionSource _end = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public long Dropped => 0;

        public async IAsyncEnumerable<ZeroTierEvent> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            await _end.Task.WaitAsync(cancellationToken);
            yield break;
        }

        public void Dispose() => _end.TrySetResult();
    }
}
