using Microsoft.Extensions.Logging;
using ZeroTier.Managed;

namespace ZeroTier.Hosting.Node;

/// <summary>The packet capture configured by the settings. It ends with the node. Calls must not overlap.</summary>
internal sealed class HostCapture(ILogger logger)
{
    private FrameCapture? _running;

    /// <summary>
    /// Ends the current capture and starts the configured one. Errors with the file are only logged: the node runs without a capture.
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
