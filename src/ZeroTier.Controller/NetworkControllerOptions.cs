using System.IO.Pipelines;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using ZeroTier.Managed;

namespace ZeroTier.Controller;

/// <summary>Options of a <see cref="NetworkController"/>. Read once.</summary>
public sealed record NetworkControllerOptions
{
    /// <summary>The store of networks and members. The controller opens and disposes it.</summary>
    public required IControllerStore Store { get; init; }

    /// <summary>
    /// The maximum number of records per network of nodes that requested to join and were never authorised, 1 or more. When it is reached,
    /// the oldest such record that nobody has edited is deleted; the node is recorded again with its next request. Default 1,000.
    /// </summary>
    public int MaxUnauthorizedMembers { get; init; } = 1000;

    /// <summary>
    /// The maximum number of records per network, including nodes that are not authorised, 1 or more. When it is reached, new nodes are
    /// refused; on a public network a member that was admitted automatically and has been silent for a day is replaced instead.
    /// Administrators can still add members. Default 100,000.
    /// </summary>
    public int MaxMembersPerNetwork { get; init; } = 100_000;

    /// <summary>Clock and timers; the same as the node's. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>
    /// The source of random numbers. Default: the system's cryptographic generator, the only one suitable for real networks.
    /// </summary>
    public RandomSource RandomSource { get; init; } = RandomSource.System;

    /// <summary>Runs the worker that serves requests. Default: the thread pool. Inline lets a simulation run on one thread.</summary>
    public PipeScheduler Scheduler { get; init; } = PipeScheduler.ThreadPool;

    /// <summary>Creates the loggers. Default: none.</summary>
    public ILoggerFactory LoggerFactory { get; init; } = NullLoggerFactory.Instance;
}
