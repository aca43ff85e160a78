using System.IO.Pipelines;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using ZeroTier.Managed;

namespace ZeroTier.Controller;

/// <summary>How a <see cref="NameService"/> is built. Read once.</summary>
public sealed record NameServiceOptions
{
    /// <summary>Clock and timers; the same as the node's. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Random numbers. Default: the system's cryptographic generator, the only one fit for real networks.</summary>
    public RandomSource RandomSource { get; init; } = RandomSource.System;

    /// <summary>Where connections are worked on. Default: the thread pool. Inline makes a simulation run on one thread.</summary>
    public PipeScheduler Scheduler { get; init; } = PipeScheduler.ThreadPool;

    /// <summary>Where logs go. Default: nowhere.</summary>
    public ILoggerFactory LoggerFactory { get; init; } = NullLoggerFactory.Instance;
}
