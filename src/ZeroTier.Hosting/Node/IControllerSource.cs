using ZeroTier.Managed;

namespace ZeroTier.Hosting.Node;

/// <summary>
/// Gives the host's node a controller to carry. It must outlive the node: the container disposes of it after the node, which is made later.
/// </summary>
internal interface IControllerSource
{
    /// <summary>The controller, opened at the first call.</summary>
    ValueTask<INetworkController> OpenAsync(CancellationToken cancellationToken);
}
