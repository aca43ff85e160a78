using Microsoft.Extensions.Logging;

namespace ZeroTier.Controller.AspNetCore;

/// <summary>
/// Log messages of the HTTP API. Event ids 340 to 359, without 341 to 344, which are those of access control (ZeroTier.Service.AspNetCore).
/// </summary>
internal static partial class ControllerApiLog
{
    public const string Category = "ZeroTier.Controller.AspNetCore";

    [LoggerMessage(340, LogLevel.Warning,
        "Networks and members are kept in memory only, and are forgotten when the process ends. Give ZeroTierControllerOptions a Store.",
        EventName = "StoreInMemory")]
    public static partial void StoreInMemory(ILogger logger);

    [LoggerMessage(345, LogLevel.Error, "A request to the controller's HTTP API failed. Check the store.", EventName = "RequestFailed")]
    public static partial void RequestFailed(ILogger logger, Exception exception);
}
