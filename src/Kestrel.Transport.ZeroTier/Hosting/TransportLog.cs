using Microsoft.Extensions.Logging;

namespace Kestrel.Transport.ZeroTier.Hosting;

/// <summary>
/// All log messages of the transport. Connection events have the ids (6 to 19), names and level of the sockets transport (rule 9.1).
/// Endpoint events are in the node's category and share its range of ids, 100 to 149.
/// </summary>
internal static partial class TransportLog
{
    /// <summary>The category of accepted connections, named like those of the in-box transports, so that existing filters apply.</summary>
    public const string ServerCategory = "Microsoft.AspNetCore.Server.Kestrel.Transport.ZeroTier";

    [LoggerMessage(6, LogLevel.Debug, @"Connection id ""{ConnectionId}"" received FIN.", EventName = "ConnectionReadFin")]
    public static partial void ConnectionReadFin(ILogger logger, string connectionId);

    [LoggerMessage(7, LogLevel.Debug, @"Connection id ""{ConnectionId}"" sending FIN because: ""{Reason}""",
        EventName = "ConnectionWriteFin")]
    public static partial void ConnectionWriteFin(ILogger logger, string connectionId, string reason);

    [LoggerMessage(8, LogLevel.Debug, @"Connection id ""{ConnectionId}"" sending RST because: ""{Reason}""",
        EventName = "ConnectionWriteRst")]
    public static partial void ConnectionWriteRst(ILogger logger, string connectionId, string reason);

    [LoggerMessage(14, LogLevel.Debug, @"Connection id ""{ConnectionId}"" communication error.", EventName = "ConnectionError")]
    public static partial void ConnectionError(ILogger logger, string connectionId, Exception exception);

    [LoggerMessage(19, LogLevel.Debug, @"Connection id ""{ConnectionId}"" reset.", EventName = "ConnectionReset")]
    public static partial void ConnectionReset(ILogger logger, string connectionId);

    [LoggerMessage(101, LogLevel.Information, "Endpoint {EndPoint} accepts connections.", EventName = "ListenerAttached")]
    public static partial void ListenerAttached(ILogger logger, string endPoint);

    [LoggerMessage(102, LogLevel.Information, "Endpoint {EndPoint} waits: {Reason}", EventName = "ListenerWaiting")]
    public static partial void ListenerWaiting(ILogger logger, string endPoint, string reason);

    [LoggerMessage(103, LogLevel.Debug, "Endpoint {EndPoint} could not accept a connection; the next one is awaited.",
        EventName = "AcceptFailed")]
    public static partial void AcceptFailed(ILogger logger, string endPoint, Exception exception);

    [LoggerMessage(104, LogLevel.Information,
        "Not bound on this machine, because ZeroTier endpoints are configured: {Urls}. Set ZeroTier:KeepHostUrls to true to serve "
        + "them as well.", EventName = "HostUrlsLeftOut")]
    public static partial void HostUrlsLeftOut(ILogger logger, string urls);

    [LoggerMessage(105, LogLevel.Warning,
        "KeepHostUrls serves {Url} on this machine's own networks too, not only on ZeroTier. Use a loopback URL, for example "
        + "http://localhost:5000, if that is not intended.", EventName = "HostUrlIsPublic")]
    public static partial void HostUrlIsPublic(ILogger logger, string url);

    [LoggerMessage(106, LogLevel.Warning, "{Reason}", EventName = "EndPointsNotBound")]
    public static partial void EndPointsNotBound(ILogger logger, string reason);

    [LoggerMessage(112, LogLevel.Warning,
        "No ZeroTier endpoint is configured, so nothing is served on ZeroTier. Set ZeroTier:Listen, for example ZeroTier__Listen=8080, or "
        + "call zt.Listen(8080).", EventName = "NoEndPoint")]
    public static partial void NoEndPoint(ILogger logger);

    [LoggerMessage(142, LogLevel.Information,
        "The endpoints of ZeroTier:Listen have changed. New: {Added}; gone: {Gone}; bound anew: {Changed}. Kestrel names them by "
        + "placeholders ([100::7a74:0:1]).",
        EventName = "EndPointsChanged")]
    public static partial void EndPointsChanged(ILogger logger, string added, string gone, string changed);
}
