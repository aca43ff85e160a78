using Microsoft.Extensions.Logging;

namespace ZeroTier.Controller.AspNetCore;

/// <summary>Log messages of the HTTP API. Ids 340 to 359.</summary>
internal static partial class ControllerApiLog
{
    public const string Category = "ZeroTier.Controller.AspNetCore";

    [LoggerMessage(340, LogLevel.Warning, "Networks and members are kept in memory only, and are forgotten when the process ends. Give ZeroTierControllerOptions a Store.",
        EventName = "StoreInMemory")]
    public static partial void StoreInMemory(ILogger logger);

    [LoggerMessage(341, LogLevel.Information, "Programs use the controller's HTTP API with the token in '{Path}'.", EventName = "TokenLoaded")]
    public static partial void TokenLoaded(ILogger logger, string path);

    [LoggerMessage(342, LogLevel.Warning, "The token in '{Path}' can be read by other users of this machine, who then rule the networks. Run: chmod 600 '{Path}'",
        EventName = "TokenReadable")]
    public static partial void TokenReadable(ILogger logger, string path);

    [LoggerMessage(343, LogLevel.Error, "There is no token for the controller's HTTP API, and requests that need one are refused: {Reason} " +
        "The setting is ZeroTierControllerOptions.TokenPath.", EventName = "TokenUnusable")]
    public static partial void TokenUnusable(ILogger logger, string reason);

    [LoggerMessage(344, LogLevel.Information, "A request to the controller's HTTP API was refused: {Reason}", EventName = "RequestRefused")]
    public static partial void RequestRefused(ILogger logger, string reason);

    [LoggerMessage(345, LogLevel.Error, "A request to the controller's HTTP API failed. Check the store.", EventName = "RequestFailed")]
    public static partial void RequestFailed(ILogger logger, Exception exception);
}
