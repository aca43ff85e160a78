using Microsoft.Extensions.Logging;

namespace ZeroTier.Managed.Capture;

/// <summary>Log messages of captures. Event IDs 130 to 132.</summary>
internal static partial class CaptureLog
{
    [LoggerMessage(130, LogLevel.Information,
        "A capture of {Network} to {Target} has begun: whoever reads it reads what is sent on the network.", EventName = "CaptureStarted")]
    public static partial void Started(ILogger logger, string network, string target);

    [LoggerMessage(131, LogLevel.Warning,
        "The capture to {Target} has ended at its limit of {MaxSize} bytes, with {Frames} frames. Set MaxCaptureSize higher if "
        + "more is needed.", EventName = "CaptureSizeReached")]
    public static partial void SizeReached(ILogger logger, string target, long maxSize, long frames);

    [LoggerMessage(132, LogLevel.Warning,
        "The capture to {Target} has ended, because it cannot be written: {Reason} The network goes on. Check the disk.",
        EventName = "CaptureFailed")]
    public static partial void Failed(ILogger logger, string target, string reason);
}
