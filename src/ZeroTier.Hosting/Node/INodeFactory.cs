
namespace ZeroTier.Hosting.Node;

/// <summary>Creates the node that a host runs. Tests replace it to supply their own node.</summary>
internal interface INodeFactory
{
    /// <summary>Why this host runs no node; null when it runs one.</summary>
    string? LeftOut => null;

    /// <summary>Creates a node without starting it.</summary>
    ValueTask<NodeLease> CreateAsync(ZeroTierNodeOptions options, CancellationToken cancellationToken);
}

/// <summary>A node and the resources that must outlive it.</summary>
/// <param name="Node">The node.</param>
/// <param name="Backing">Resources such as the development network; disposed after the node.</param>
/// <param name="Started">Called once the node runs; does not throw.</param>
internal sealed record NodeLease(ZeroTierNode Node, IAsyncDisposable? Backing = null, Action? Started = null);
