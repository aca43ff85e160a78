using Microsoft.Extensions.Logging;

namespace ZeroTier.Service.AspNetCore.Access;

/// <summary>Log messages of access control of the HTTP APIs. Event ids 341 to 344.</summary>
internal static partial class AccessLog
{
    public const string Category = "ZeroTier.Service.AspNetCore";

    [LoggerMessage(341, LogLevel.Information, "Programs use the node's HTTP API with the token in '{Path}'.", EventName = "TokenLoaded")]
    public static partial void TokenLoaded(ILogger logger, string path);

    [LoggerMessage(342, LogLevel.Warning,
        "The token in '{Path}' can be read by other users of this machine, who then rule the node. Run: chmod 600 '{Path}'",
        EventName = "TokenReadable")]
    public static partial void TokenReadable(ILogger logger, string path);

    [LoggerMessage(343, LogLevel.Error, "There is no token for the node's HTTP API, and requests that need one are refused: {Reason} " +
        "The setting is ZeroTierServiceOptions.TokenPath.", EventName = "TokenUnusable")]
    public static partial void TokenUnusable(ILogger logger, string reason);

    [LoggerMessage(344, LogLevel.Information,
        "A request to the node's HTTP API was refused: {Reason} Refused since the last such entry: {Count}.", EventName = "RequestRefused")]
    public static partial void RequestRefused(ILogger logger, string reason, long count);
}
