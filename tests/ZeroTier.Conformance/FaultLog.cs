using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace ZeroTier.Conformance;

/// <summary>Collects what a node logs of failures in what the application supplied. Can be made to fail itself.</summary>
public sealed class FaultLog : ILoggerFactory, ILogger
{
    private static readonly string[] s_names =
    [
        "ConnectionFaulted", "ObserverFailed", "SchedulerFailed", "ScheduledWorkFailed", "TimerFailed",
    ];

    private readonly ConcurrentQueue<string> _lines = new();
    private volatile bool _throws;

    /// <summary>Event name and text of each line, and every other line of level Error or above.</summary>
    public IReadOnlyList<string> Lines => [.. _lines];

    /// <summary>Makes every call throw.</summary>
    public bool Throws
    {
        get => _throws;
        set => _throws = value;
    }

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public void Dispose()
    {
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => _throws ? throw new InvalidOperationException("The log provider failed.") : true;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        ArgumentNullException.ThrowIfNull(formatter);
        if (_throws)
        {
            throw new InvalidOperationException("The log provider failed.");
        }

        if (Array.IndexOf(s_names, eventId.Name) >= 0 || logLevel >= LogLevel.Error)
        {
            _lines.Enqueue($"{eventId.Name}: {formatter(state, exception)} {exception}");
        }
    }
}
