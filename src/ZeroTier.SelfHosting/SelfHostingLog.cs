using Microsoft.Extensions.Logging;

namespace ZeroTier.SelfHosting;

/// <summary>Log messages of private roots and the development network.</summary>
internal static partial class SelfHostingLog
{
    [LoggerMessage(1, LogLevel.Debug, "This process is the root of the development network in {Path}: node {Node} at {EndPoints}.")]
    public static partial void BecameRoot(ILogger logger, string path, NodeId node, string endPoints);

    [LoggerMessage(2, LogLevel.Debug, "Another process is the root of the development network in {Path}.")]
    public static partial void Joined(ILogger logger, string path);

    [LoggerMessage(3, LogLevel.Warning,
        "Port {Port} of the development network in {Path} is taken by another program. The root moves to another port: restart the other "
        + "processes on this network.")]
    public static partial void PortMoved(ILogger logger, string path, int port);

    [LoggerMessage(4, LogLevel.Warning, "This process cannot become the root of the development network in {Path}; it tries again.")]
    public static partial void NotRoot(ILogger logger, string path, Exception reason);

    [LoggerMessage(5, LogLevel.Information, "Private root {Node} runs at {EndPoints}; its planet is {PlanetPath}.")]
    public static partial void RootStarted(ILogger logger, NodeId node, string endPoints, string planetPath);
}
