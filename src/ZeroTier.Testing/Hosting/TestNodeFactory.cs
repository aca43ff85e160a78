using Microsoft.Extensions.Logging;
using ZeroTier.Hosting;
using ZeroTier.Hosting.Node;
using ZeroTier.Managed;

namespace ZeroTier.Testing.Hosting;

/// <summary>Gives a host a node on the test network instead of one of its own.</summary>
internal sealed class TestNodeFactory(TestNetwork network, ILoggerFactory loggerFactory, TimeProvider timeProvider) : INodeFactory
{
    public TestNetwork Network => network;

    public async ValueTask<NodeLease> CreateAsync(ZeroTierNodeOptions options, CancellationToken cancellationToken)
    {
        var node = new ManagedNodeOptions
        {
            MaxTotalBufferSize = options.Transport.MaxTotalBufferSize,
            TimeProvider = timeProvider,
            LoggerFactory = loggerFactory,
        };
        node = await network.ConfigureAsync(node, cancellationToken).ConfigureAwait(false);
        await network.AdmitAsync(node.Identity!.Address, options.Networks.Select(NetworkId.Parse), cancellationToken).ConfigureAwait(false);
        return new NodeLease(new ManagedNode(node));
    }
}
