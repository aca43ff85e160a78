using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace ZeroTier.TestSupport;

/// <summary>
/// Keeps every log line of a host. For what <c>FakeLogCollector</c> cannot do: run a test's code inside the call that logs. A single logger
/// is a <c>FakeLogger</c>.
/// </summary>
public sealed class LogCollector : ILoggerProvider
{
    public ConcurrentQueue<LogLine> Lines { get; } = new();

    /// <summary>Called with each line before it is kept, on the thread that logs it. What it throws, the logger throws.</summary>
    public Action<LogLine>? OnLine { get; set; }

    /// <summary>The lines of a level and above, without those that health checks write when they are asked.</summary>
    public IEnumerable<LogLine> AtLeast(LogLevel level) =>
        Lines.Where(
            line => line.Level >= level
                && !line.Category.StartsWith("Microsoft.Extensions.Diagnostics.HealthChecks", StringComparison.Ordinal));

    /// <summary>The event ids of one category, in order.</summary>
    public int[] EventsOf(string category) => [.. Lines.Where(line => line.Category == category).Select(line => line.Event.Id)];

    public ILogger CreateLogger(string categoryName) => new Logger(categoryName, this);

    public void Dispose()
    {
    }

    private sealed class Logger(string category, LogCollector logs) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            var line = new LogLine(category, logLevel, eventId, formatter(state, exception), exception);
            logs.OnLine?.Invoke(line);
            logs.Lines.Enqueue(line);
        }
    }
}
