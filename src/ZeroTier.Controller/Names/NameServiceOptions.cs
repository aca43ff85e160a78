using System.IO.Pipelines;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using ZeroTier.Managed;

namespace ZeroTier.Controller;

/// <summary>Options of a <see cref="NameService"/>. Read once.</summary>
public sealed record NameServiceOptions
{
    /// <summary>Clock and timers; the same as the node's. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>
    /// The source of random numbers. Default: the system's cryptographic generator, the only one suitable for real networks.
    /// </summary>
    public RandomSource RandomSource { get; init; } = RandomSource.System;

    /// <summary>Runs the continuations of connections. Default: the thread pool. Inline lets a simulation run on one thread.</summary>
    public PipeScheduler Scheduler { get; init; } = PipeScheduler.ThreadPool;

    /// <summary>Creates the loggers. Default: none.</summary>
    public ILoggerFactory LoggerFactory { get; init; } = NullLoggerFactory.Instance;
}
