using Microsoft.Extensions.Logging;

namespace ZeroTier.Engines;

/// <summary>
/// Catches exceptions of log providers. Thrown on a timer, on a network stack's thread or in the accept loop, they would end the process or
/// an endpoint, or leave a connection half closed.
/// </summary>
internal sealed class NonThrowingLogger(ILogger inner) : ILogger
{
    /// <summary>Creates a logger that may lose messages but never throws.</summary>
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
