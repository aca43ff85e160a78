using Microsoft.Extensions.Logging;

namespace ZeroTier.Libzt.Sockets;

/// <summary>The socket loop's log messages.</summary>
internal static partial class SocketLog
{
    [LoggerMessage(200, LogLevel.Warning,
        "{Count} connections to {EndPoint} were reset: libzt has 1024 sockets, and nearly all are in use. The open connections go on.")]
    public static partial void Shed(ILogger logger, long count, ZeroTierEndPoint endPoint);

    [LoggerMessage(201, LogLevel.Warning, "Accepting on {EndPoint} failed, it is tried again: {Reason}.")]
    public static partial void AcceptFailed(ILogger logger, ZeroTierEndPoint endPoint, string reason);

    [LoggerMessage(202, LogLevel.Error, "libzt's descriptor {Descriptor} could not be closed and is lost: {Reason}.")]
    public static partial void CloseFailed(ILogger logger, int descriptor, string reason);

    [LoggerMessage(203, LogLevel.Error, "Waiting for libzt's sockets failed with result {Result}, it is tried again: {Reason}.")]
    public static partial void PollFailed(ILogger logger, int result, string reason);

    [LoggerMessage(204, LogLevel.Error, "libzt's node is gone: all sockets end.")]
    public static partial void NodeGone(ILogger logger);

    [LoggerMessage(205, LogLevel.Error,
        "An unexpected error in the socket loop, in {Where}. What it was about is closed, the rest goes on.")]
    public static partial void Unexpected(ILogger logger, string where, Exception exception);

    [LoggerMessage(207, LogLevel.Warning, "{EndPoint} could not be extended to the network's new address {Address}: {Reason}")]
    public static partial void AddressNotBound(ILogger logger, ZeroTierEndPoint endPoint, System.Net.IPAddress address, string reason);
}
