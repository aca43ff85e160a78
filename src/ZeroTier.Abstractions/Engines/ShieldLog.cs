using Microsoft.Extensions.Logging;

namespace ZeroTier.Engines;

/// <summary>Log messages about failures of objects that the application supplied. Event ids 120 to 129.</summary>
internal static partial class ShieldLog
{
    [LoggerMessage(120, LogLevel.Warning,
        "{Connection} was reset by this end: {Reason} The other connections go on.", EventName = "ConnectionFaulted")]
    public static partial void ConnectionFaulted(ILogger logger, ZeroTierConnection connection, string reason, Exception cause);

    [LoggerMessage(121, LogLevel.Error,
        "An observer of connections failed. It must not throw; the connections go on, and later failures of this observer are not logged.",
        EventName = "ObserverFailed")]
    public static partial void ObserverFailed(ILogger logger, Exception cause);

    [LoggerMessage(122, LogLevel.Error,
        "The application's {Scheduler} failed to schedule. The thread pool takes what it refuses; later failures of this scheduler "
        + "are not logged.", EventName = "SchedulerFailed")]
    public static partial void SchedulerFailed(ILogger logger, string scheduler, Exception cause);

    [LoggerMessage(123, LogLevel.Error, "What was scheduled failed; the rest goes on.", EventName = "ScheduledWorkFailed")]
    public static partial void WorkFailed(ILogger logger, Exception cause);

    [LoggerMessage(124, LogLevel.Error, "What a timer does failed; the timer goes on.", EventName = "TimerFailed")]
    public static partial void TimerFailed(ILogger logger, Exception cause);
}
