using Microsoft.Extensions.Logging;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Connections;

/// <summary>
/// Writes the events of a connection's flow that only the engine sees. FIN, RST and errors are logged by the connection itself, which knows which end came
/// first.
/// </summary>
internal sealed class FlowLog(ILogger logger) : IZeroTierConnectionObserver
{
    public void OnPaused(ZeroTierConnection connection) => TransportLog.ConnectionPause(logger, ConnectionIds.Of(connection));

    public void OnResumed(ZeroTierConnection connection) => TransportLog.ConnectionResume(logger, ConnectionIds.Of(connection));

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
}
