using Microsoft.Extensions.Logging;

namespace ZeroTier.Hosting.Connections;

/// <summary>
/// Logs flow control (pause and resume), which only the engine sees. FIN, RST and errors are logged by the transport's connection, which
/// knows which side ended first.
/// </summary>
internal sealed partial class FlowLog(ILogger logger) : IZeroTierConnectionObserver
{
    public void OnPaused(ZeroTierConnection connection) => ConnectionPause(logger, ConnectionIds.Of(connection));

    public void OnResumed(ZeroTierConnection connection) => ConnectionResume(logger, ConnectionIds.Of(connection));

    public void OnFinReceived(ZeroTierConnection connection)
    {
    }

    public void OnResetReceived(ZeroTierConnection connection)
    {
    }

    public void OnFinSent(ZeroTierConnection connection)
    {
    }

    public void OnResetSent(ZeroTierConnection connection, ZeroTierException reason)
    {
    }

    // The ids, names and level of the sockets transport (docs/transport-contract.md rule 9.1).
    [LoggerMessage(4, LogLevel.Debug, @"Connection id ""{ConnectionId}"" paused.", EventName = "ConnectionPause")]
    private static partial void ConnectionPause(ILogger logger, string connectionId);

    [LoggerMessage(5, LogLevel.Debug, @"Connection id ""{ConnectionId}"" resumed.", EventName = "ConnectionResume")]
    private static partial void ConnectionResume(ILogger logger, string connectionId);
}
