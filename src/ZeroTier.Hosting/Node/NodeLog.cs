using Microsoft.Extensions.Logging;

namespace ZeroTier.Hosting.Node;

/// <summary>
/// The log messages of the node and its host: event ids 100 to 149, shared with the Kestrel transport, which uses the same category.
/// </summary>
internal static partial class NodeLog
{
    /// <summary>The category of the node and its host, in web apps and others.</summary>
    public const string Category = "Kestrel.Transport.ZeroTier";

    [LoggerMessage(100, LogLevel.Information, "ZeroTier node {Node} runs ({Engine} engine {EngineVersion}).", EventName = "NodeStarted")]
    public static partial void NodeStarted(ILogger logger, NodeId node, string engine, string engineVersion);

    [LoggerMessage(107, LogLevel.Warning, "The node stopped before everything it had sent was acknowledged: the shutdown timeout passed.",
        EventName = "DrainTimedOut")]
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

    [LoggerMessage(113, LogLevel.Debug, "{Detail}", EventName = "EngineChosenInDetail")]
    public static partial void EngineChosenInDetail(ILogger logger, string detail);

    [LoggerMessage(114, LogLevel.Warning,
        "The public roots of ZeroTier are used, because ZeroTier:PlanetPath is not set: everybody who knows the ID of an ad-hoc network is "
        + "a member of it. Set ZeroTier:PlanetPath to the planet of your own roots, or ZeroTier:PublicRoots to true if the public "
        + "ones are meant.", EventName = "PublicRootsUnasked")]
    public static partial void PublicRootsUnasked(ILogger logger);

    [LoggerMessage(115, LogLevel.Warning, "{Message}", EventName = "SectionMisspelt")]
    public static partial void SectionMisspelt(ILogger logger, string message);

    [LoggerMessage(116, LogLevel.Information, "{Reason}", EventName = "NodeLeftOut")]
    public static partial void NodeLeftOut(ILogger logger, string reason);

    [LoggerMessage(125, LogLevel.Information, "The configuration has changed. Taken into use: {Settings}.", EventName = "SettingsFollowed")]
    public static partial void SettingsFollowed(ILogger logger, string settings);

    [LoggerMessage(126, LogLevel.Warning,
        "The configuration has changed in what is read only at start. Restart the application to bring these settings of the section "
        + "ZeroTier into use: {Settings}.",
        EventName = "SettingsForRestart")]
    public static partial void SettingsForRestart(ILogger logger, string settings);

    [LoggerMessage(127, LogLevel.Error, "The configuration has changed and is wrong; the settings so far stay in use. {Reason}",
        EventName = "SettingsRefused")]
    public static partial void SettingsRefused(ILogger logger, string reason);

    [LoggerMessage(128, LogLevel.Warning,
        "Network {Network}, changed in ZeroTier:Networks, could not be joined or left: {Reason} It is tried again every {Seconds} seconds.",
        EventName = "NetworkNotChanged")]
    public static partial void NetworkNotChanged(ILogger logger, NetworkId network, string reason, int seconds);

    [LoggerMessage(129, LogLevel.Error,
        "A change of the settings {Settings} could not be brought into use; restart the application to use it.",
        EventName = "SettingsNotFollowed")]
    public static partial void SettingsNotFollowed(ILogger logger, string settings, Exception exception);

    [LoggerMessage(133, LogLevel.Warning, "ZeroTier:CapturePath is not followed; the node runs without a capture. {Reason}",
        EventName = "CaptureNotStarted")]
    public static partial void CaptureNotStarted(ILogger logger, string reason);
    [LoggerMessage(135, LogLevel.Information,
        "Other apps on the development network reach this one as {Name} too, for example http://{Name}:8080.", EventName = "NameAnnounced")]
    public static partial void NameAnnounced(ILogger logger, string name);

    [LoggerMessage(136, LogLevel.Information, "This app has no name on the development network yet: {Reason}",
        EventName = "NameNotAnnounced")]
    public static partial void NameNotAnnounced(ILogger logger, string reason);

    [LoggerMessage(140, LogLevel.Information, "Network {Network}, which could not be joined or left before, now was.",
        EventName = "NetworkChanged")]
    public static partial void NetworkChanged(ILogger logger, NetworkId network);

    [LoggerMessage(141, LogLevel.Warning,
        "ZeroTier:Enabled is now {Change}. Until then no change of the section ZeroTier is taken into use.",
        EventName = "EnabledForRestart")]
    public static partial void EnabledForRestart(ILogger logger, string change);
}
