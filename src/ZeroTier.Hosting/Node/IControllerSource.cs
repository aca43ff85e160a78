using ZeroTier.Managed;

namespace ZeroTier.Hosting.Node;

/// <summary>
/// Provides a network controller for the host's node. It must outlive the node: it is created before the node, so the container disposes it
/// after.
/// </summary>
internal interface IControllerSource
{
    /// <summary>The controller, opened at the first call.</summary>
    ValueTask<INetworkController> OpenAsync(CancellationToken cancellationToken);
}
