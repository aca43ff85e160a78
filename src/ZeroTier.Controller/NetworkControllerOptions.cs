using System.IO.Pipelines;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using ZeroTier.Managed;

namespace ZeroTier.Controller;

/// <summary>How a <see cref="NetworkController"/> is built. Read once.</summary>
public sealed record NetworkControllerOptions
{
    /// <summary>Where networks and members are kept. The controller opens it and disposes of it.</summary>
    public required IControllerStore Store { get; init; }

    /// <summary>
    /// Nodes that asked and were never authorised, which are remembered for each network, 1 or more. Beyond them the oldest is forgotten
    /// that nobody has edited; it comes back when it asks again. Default 1,000.
    /// </summary>
    public int MaxUnauthorizedMembers { get; init; } = 1000;

    /// <summary>Members that a network may have, those that wait included, 1 or more. Beyond them new nodes are refused, on a
    /// public network only as long as no other visitor was silent for a day; an administrator can still add some.
    /// Default 100,000.</summary>
    public int MaxMembersPerNetwork { get; init; } = 100_000;

    /// <summary>Clock and timers; the same as the node's. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Random numbers. Default: the system's cryptographic generator, the only one fit for real networks.</summary>
    public RandomSource RandomSource { get; init; } = RandomSource.System;

    /// <summary>Where requests are worked on. Default: the thread pool. Inline makes a simulation run on one thread.</summary>
    public PipeScheduler Scheduler { get; init; } = PipeScheduler.ThreadPool;

    /// <summary>Where logs go. Default: nowhere.</summary>
    public ILoggerFactory LoggerFactory { get; init; } = NullLoggerFactory.Instance;
}
