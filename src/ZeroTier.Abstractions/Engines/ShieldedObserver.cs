using Microsoft.Extensions.Logging;

namespace ZeroTier.Engines;

/// <summary>
/// Wraps the application's observer, which may throw or be absent. Without one, it logs connections that were reset because of a fault of
/// this side (the memory pool, or misused pipes).
/// </summary>
internal sealed class ShieldedObserver(IZeroTierConnectionObserver? inner, ILogger log) : IZeroTierConnectionObserver
{
    private bool _failed;

    public void OnPaused(ZeroTierConnection connection) =>
        Tell(static (observer, connection, _) => observer.OnPaused(connection), connection);

    public void OnResumed(ZeroTierConnection connection) =>
        Tell(static (observer, connection, _) => observer.OnResumed(connection), connection);

    public void OnFinReceived(ZeroTierConnection connection) =>
        Tell(static (observer, connection, _) => observer.OnFinReceived(connection), connection);

    public void OnResetReceived(ZeroTierConnection connection) =>
        Tell(static (observer, connection, _) => observer.OnResetReceived(connection), connection);

    public void OnFinSent(ZeroTierConnection connection) =>
        Tell(static (observer, connection, _) => observer.OnFinSent(connection), connection);

    public void OnResetSent(ZeroTierConnection connection, ZeroTierException reason)
    {
        if (inner is null && reason.InnerException is { } cause)
        {
            ShieldLog.ConnectionFaulted(log, connection, reason.Message, cause);
        }

        Tell(static (observer, connection, reason) => observer.OnResetSent(connection, reason!), connection, reason);
    }

    private void Tell(
        Action<IZeroTierConnectionObserver, ZeroTierConnection, ZeroTierException?> call,
        ZeroTierConnection connection,
        ZeroTierException? reason = null)
    {
        if (inner is null)
        {
            return;
        }

        try
        {
            call(inner, connection, reason);
        }
        catch (Exception e)
        {
            if (!Interlocked.Exchange(ref _failed, true))
            {
                ShieldLog.ObserverFailed(log, e);
            }
        }
    }
}
