using Microsoft.Extensions.Logging;
using ZeroTier.Hosting;
using ZeroTier.Hosting.Node;
using ZeroTier.Managed;

namespace ZeroTier.Testing.Hosting;

/// <summary>Creates a host's node on the test network.</summary>
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
