
namespace ZeroTier.Hosting.Node;

/// <summary>Makes the node that a host runs. Tests put a node of their own here.</summary>
internal interface INodeFactory
{
    /// <summary>Why this host is to have no node; null when it is to have one.</summary>
    string? LeftOut => null;

    /// <summary>Makes a node that has not been started.</summary>
    ValueTask<NodeLease> CreateAsync(ZeroTierNodeOptions options, CancellationToken cancellationToken);
}

/// <summary>A node and what must live as long as it.</summary>
/// <param name="Node">The node.</param>
/// <param name="Backing">Such as the development network; disposed after the node.</param>
/// <param name="Started">Called once the node runs; does not throw.</param>
internal sealed record NodeLease(ZeroTierNode Node, IAsyncDisposable? Backing = null, Action? Started = null);
