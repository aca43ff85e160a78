using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Kestrel.Transport.ZeroTier.Tests;

/// <summary>Keeps every log line of a host.</summary>
internal sealed class LogCollector : ILoggerProvider
{
    public ConcurrentQueue<LogLine> Lines { get; } = new();

    /// <summary>Called with each line, by whoever writes it, before the call returns.</summary>
    public Action<LogLine>? OnLine { get; set; }

    /// <summary>The lines of a level and above, but for what health checks report when they are asked.</summary>
    public IEnumerable<LogLine> At(LogLevel level) =>
        Lines.Where(line => line.Level >= level && !line.Category.StartsWith("Microsoft.Extensions.Diagnostics.HealthChecks", StringComparison.Ordinal));

    /// <summary>The event ids of the transport's connection log, in order.</summary>
    public int[] ConnectionEvents => [.. Lines.Where(line => line.Category == TransportLog.ServerCategory).Select(line => line.Event.Id)];

    public ILogger CreateLogger(string categoryName) => new Collector(categoryName, this);

    public void Dispose()
    {
    }

    internal sealed record LogLine(string Category, LogLevel Level, EventId Event, string Text, Exception? Exception);

    private sealed class Collector(string category, LogCollector logs) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            var line = new LogLine(category, logLevel, eventId, formatter(state, exception), exception);
            logs.Lines.Enqueue(line);
            logs.OnLine?.Invoke(line);
        }
    }
}
