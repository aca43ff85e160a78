using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Hosting;

/// <summary>Makes the node that a host runs. Tests put a node of their own here.</summary>
internal interface INodeFactory
{
    /// <summary>Makes a node that has not been started.</summary>
    ValueTask<NodeLease> CreateAsync(ZeroTierOptions options, CancellationToken cancellationToken);
}

/// <summary>A node and what must live as long as it, such as the development network; the backing is disposed after the node.</summary>
internal sealed record NodeLease(ZeroTierNode Node, IAsyncDisposable? Backing = null);
