using Microsoft.Extensions.Logging;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Hosting;

/// <summary>
/// Every log line of the transport. Connection events carry the ids, names and level of the sockets transport (rule 9.1); the host's own lines begin at 100.
/// </summary>
internal static partial class TransportLog
{
    /// <summary>Accepted connections; the form of the in-box transports, so that existing filters work.</summary>
    public const string ServerCategory = "Microsoft.AspNetCore.Server.Kestrel.Transport.ZeroTier";

    /// <summary>Outgoing connections.</summary>
    public const string ClientCategory = ServerCategory + ".Client";

    /// <summary>Node, endpoints and URLs. Not below Microsoft.AspNetCore, which the project templates silence up to Warning.</summary>
    public const string HostCategory = "Kestrel.Transport.ZeroTier";

    [LoggerMessage(4, LogLevel.Debug, @"Connection id ""{ConnectionId}"" paused.", EventName = "ConnectionPause")]
    public static partial void ConnectionPause(ILogger logger, string connectionId);

    [LoggerMessage(5, LogLevel.Debug, @"Connection id ""{ConnectionId}"" resumed.", EventName = "ConnectionResume")]
    public static partial void ConnectionResume(ILogger logger, string connectionId);

    [LoggerMessage(6, LogLevel.Debug, @"Connection id ""{ConnectionId}"" received FIN.", EventName = "ConnectionReadFin")]
    public static partial void ConnectionReadFin(ILogger logger, string connectionId);

    [LoggerMessage(7, LogLevel.Debug, @"Connection id ""{ConnectionId}"" sending FIN because: ""{Reason}""", EventName = "ConnectionWriteFin")]
    public static partial void ConnectionWriteFin(ILogger logger, string connectionId, string reason);

    [LoggerMessage(8, LogLevel.Debug, @"Connection id ""{ConnectionId}"" sending RST because: ""{Reason}""", EventName = "ConnectionWriteRst")]
    public static partial void ConnectionWriteRst(ILogger logger, string connectionId, string reason);

    [LoggerMessage(14, LogLevel.Debug, @"Connection id ""{ConnectionId}"" communication error.", EventName = "ConnectionError")]
    public static partial void ConnectionError(ILogger logger, string connectionId, Exception exception);

    [LoggerMessage(19, LogLevel.Debug, @"Connection id ""{ConnectionId}"" reset.", EventName = "ConnectionReset")]
    public static partial void ConnectionReset(ILogger logger, string connectionId);

    [LoggerMessage(100, LogLevel.Information, "ZeroTier node {Node} runs ({Engine} engine {EngineVersion}).", EventName = "NodeStarted")]
    public static partial void NodeStarted(ILogger logger, NodeId node, string engine, string engineVersion);

    [LoggerMessage(101, LogLevel.Information, "Endpoint {EndPoint} accepts connections.", EventName = "ListenerAttached")]
    public static partial void ListenerAttached(ILogger logger, string endPoint);

    [LoggerMessage(102, LogLevel.Information, "Endpoint {EndPoint} waits: {Reason}", EventName = "ListenerWaiting")]
    public static partial void ListenerWaiting(ILogger logger, string endPoint, string reason);

    [LoggerMessage(103, LogLevel.Debug, "Endpoint {EndPoint} could not accept a connection; the next one is awaited.", EventName = "AcceptFailed")]
    public static partial void AcceptFailed(ILogger logger, string endPoint, Exception exception);

    [LoggerMessage(104, LogLevel.Information,
        "Not bound on this machine, because ZeroTier endpoints are configured: {Urls}. Set ZeroTier:KeepHostUrls to true to serve them as well.", EventName = "HostUrlsLeftOut")]
    public static partial void HostUrlsLeftOut(ILogger logger, string urls);

    [LoggerMessage(105, LogLevel.Warning,
        "KeepHostUrls serves {Url} on this machine's own networks too, not only on ZeroTier. Use a loopback URL, for example http://localhost:5000, if that is not intended.", EventName = "HostUrlIsPublic")]
    public static partial void HostUrlIsPublic(ILogger logger, string url);

    [LoggerMessage(106, LogLevel.Warning, "{Reason}", EventName = "EndPointsNotBound")]
    public static partial void EndPointsNotBound(ILogger logger, string reason);

    [LoggerMessage(107, LogLevel.Warning, "The node stopped before everything it had sent was acknowledged: the shutdown timeout passed.", EventName = "DrainTimedOut")]
    public static partial void DrainTimedOut(ILogger logger);

    [LoggerMessage(108, LogLevel.Debug, "Something failed while closing; it is released anyway.", EventName = "CloseFailed")]
    public static partial void CloseFailed(ILogger logger, Exception exception);

    [LoggerMessage(109, LogLevel.Information, "ZeroTier engine {Engine}: {Reason}.", EventName = "EngineChosen")]
    public static partial void EngineChosen(ILogger logger, string engine, string reason);

    [LoggerMessage(110, LogLevel.Information, "ZeroTier roots: {Roots}.", EventName = "RootsChosen")]
    public static partial void RootsChosen(ILogger logger, string roots);

    [LoggerMessage(111, LogLevel.Warning,
        "After {Seconds} seconds the node is not online yet: {Reason} It goes on trying.", EventName = "NotOnline")]
    public static partial void NotOnline(ILogger logger, double seconds, string reason);

    [LoggerMessage(112, LogLevel.Warning,
        "No ZeroTier endpoint is configured, so nothing is served on ZeroTier. Set ZeroTier:Listen, for example ZeroTier__Listen=8080, or call zt.Listen(8080).", EventName = "NoEndPoint")]
    public static partial void NoEndPoint(ILogger logger);

    [LoggerMessage(113, LogLevel.Debug, "{Detail}", EventName = "EngineChosenInDetail")]
    public static partial void EngineChosenInDetail(ILogger logger, string detail);

    [LoggerMessage(114, LogLevel.Warning,
        "The public roots of ZeroTier are used, because ZeroTier:PlanetPath is not set: everybody who knows the ID of an ad-hoc network is a member of it. "
        + "Set ZeroTier:PlanetPath to the planet of your own roots, or ZeroTier:PublicRoots to true if the public ones are meant.", EventName = "PublicRootsUnasked")]
    public static partial void PublicRootsUnasked(ILogger logger);

    [LoggerMessage(115, LogLevel.Warning, "{Message}", EventName = "SectionMisspelt")]
    public static partial void SectionMisspelt(ILogger logger, string message);

    [LoggerMessage(116, LogLevel.Information, "{Reason}", EventName = "NodeLeftOut")]
    public static partial void NodeLeftOut(ILogger logger, string reason);
}
