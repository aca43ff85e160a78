using System.IO.Pipelines;

namespace ZeroTier.Managed.IpStack;

/// <summary>What an <see cref="IpStack"/> is given once, by the constructor; what can change is in <see cref="IpConfiguration"/>.</summary>
internal sealed record IpStackOptions
{
    /// <summary>The port's Ethernet address.</summary>
    public required MacAddress MacAddress { get; init; }

    /// <summary>Where frames leave.</summary>
    public required IFrameLink Link { get; init; }


    /// <summary>Computes Ethernet addresses where the network allows it.</summary>
    public INeighborResolver? Resolver { get; init; }

    /// <summary>What TCP connections may hold in memory, shared by the stacks of a node. Null for no bound.</summary>
    public Tcp.BufferBudget? Budget { get; init; }

    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    public RandomSource Random { get; init; } = RandomSource.System;

    /// <summary>Where continuations of user code run.</summary>
    public PipeScheduler Completions { get; init; } = PipeScheduler.ThreadPool;
}
