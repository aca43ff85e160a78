using Microsoft.Extensions.Logging;

namespace ZeroTier.Sandbox;

/// <summary>Writes every line of level Information and above to standard output: level, number, text.</summary>
internal sealed class OutputLog : ILoggerProvider, ILogger
{
    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (IsEnabled(logLevel))
        {
            Console.WriteLine(
                $"{logLevel} {eventId.Id}: "
                + $"{formatter(state, exception).ReplaceLineEndings(" ")}{(exception is null ? "" : $" ({exception.Message})")}");
        }
    }

    public void Dispose()
    {
    }
}
