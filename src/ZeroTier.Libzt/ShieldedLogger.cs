using Microsoft.Extensions.Logging;

namespace ZeroTier.Libzt;

/// <summary>
/// A log that may fail: the node's timer and the thread of the sockets are no place for the exceptions of somebody's log provider, which would end the process.
/// </summary>
internal sealed class ShieldedLogger(ILogger inner) : ILogger
{
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel)
    {
        try
        {
            return inner.IsEnabled(logLevel);
        }
        catch (Exception)
        {
            return false;
        }
    }

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        try
        {
            inner.Log(logLevel, eventId, state, exception, formatter);
        }
        catch (Exception)
        {
            // Nobody is left who could be told.
        }
    }
}
