using Microsoft.Extensions.Logging;
using ZeroTier.Managed;

namespace ZeroTier.Hosting.Node;

/// <summary>The capture that the settings ask for. It ends with the node. Calls come one after the other.</summary>
internal sealed class HostCapture(ILogger logger)
{
    private FrameCapture? _running;

    /// <summary>
    /// Ends the present capture, and begins the one that the settings name. What is wrong with its file is no reason to be without a node.
    /// </summary>
    public async ValueTask FollowAsync(ManagedNode node, ZeroTierNodeOptions options, CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _running, null) is { } before)
        {
            await before.DisposeAsync().ConfigureAwait(false);
        }

        if (options.CapturePath is not { } path)
        {
            return;
        }

        try
        {
            _running = await node.StartCaptureAsync(
                path, new CaptureOptions { MaxSize = options.MaxCaptureSize }, cancellationToken).ConfigureAwait(false);
        }
        catch (ZeroTierException exception)
        {
            NodeLog.CaptureNotStarted(logger, exception.Message);
        }
    }
}
