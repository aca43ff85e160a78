using Microsoft.Extensions.Logging;

namespace ZeroTier.TestSupport;

/// <summary>One call of a logger.</summary>
public sealed record LogLine(string Category, LogLevel Level, EventId Event, string Text, Exception? Exception);
