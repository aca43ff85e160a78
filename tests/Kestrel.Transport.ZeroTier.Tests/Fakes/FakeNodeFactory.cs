using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Tests.Fakes;

/// <summary>Gives the host a node that the test holds.</summary>
internal sealed class FakeNodeFactory(FakeNode node) : INodeFactory
{
    public int Created { get; private set; }

    public TrackedBacking Backing { get; } = new(node);

    public ValueTask<NodeLease> CreateAsync(ZeroTierNodeOptions options, CancellationToken cancellationToken)
    {
        Created++;
        return ValueTask.FromResult(new NodeLease(node, Backing));
    }

    internal sealed class TrackedBacking(FakeNode node) : IAsyncDisposable
    {
        public int Disposals { get; private set; }

        /// <summary>What the node was when its backing ended.</summary>
        public ZeroTierNodeState NodeAtDisposal { get; private set; }

        public ValueTask DisposeAsync()
        {
            Disposals++;
            NodeAtDisposal = node.State;
            return ValueTask.CompletedTask;
        }
    }
}
