using Microsoft.Extensions.Logging;

namespace ZeroTier.Service.AspNetCore;

/// <summary>Log messages of the node's HTTP API. Event ids 309 to 319.</summary>
internal static partial class ServiceApiLog
{
    public const string Category = "ZeroTier.Service.AspNetCore";

    [LoggerMessage(309, LogLevel.Error, "A request to the node's HTTP API failed: {Method} {Path}", EventName = "RequestFailed")]
    public static partial void RequestFailed(ILogger logger, string method, string path, Exception exception);

    [LoggerMessage(310, LogLevel.Information,
        "Network {Network} was joined by the node's HTTP API, until it is left or the process ends. " +
        "To join it at each start, add it to ZeroTier:Networks.", EventName = "NetworkJoined")]
    public static partial void NetworkJoined(ILogger logger, NetworkId network);

    [LoggerMessage(311, LogLevel.Information, "Network {Network} was left by the node's HTTP API.", EventName = "NetworkLeft")]
    public static partial void NetworkLeft(ILogger logger, NetworkId network);
}
