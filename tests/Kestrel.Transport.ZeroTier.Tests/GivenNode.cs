using ZeroTier;
using ZeroTier.Hosting;
using ZeroTier.Hosting.Node;

namespace Kestrel.Transport.ZeroTier.Tests;

/// <summary>Makes no node, but hands out one that the test has made.</summary>
internal sealed class GivenNode(ZeroTierNode node) : INodeFactory
{
    public ValueTask<NodeLease> CreateAsync(ZeroTierNodeOptions options, CancellationToken cancellationToken) => new(new NodeLease(node));
}
