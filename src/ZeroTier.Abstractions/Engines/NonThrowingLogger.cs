using Microsoft.Extensions.Logging;

namespace ZeroTier.Engines;

/// <summary>
/// Catches exceptions of log providers. On timers, on the threads that run a stack and in the accept loop they would end the process or an
/// endpoint, or leave a connection half closed.
/// </summary>
internal sealed class NonThrowingLogger(ILogger inner) : ILogger
{
    /// <summary>A log of a category, whose lines may be lost but never throw.</summary>
    public static ILogger Create(ILoggerFactory factory, string category) => new NonThrowingLogger(factory.CreateLogger(category));

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

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        try
        {
            inner.Log(logLevel, eventId, state, exception, formatter);
        }
        catch (Exception)
        {
            // The failure cannot be logged anywhere.
        }
    }
}
