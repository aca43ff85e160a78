using System.IO.Pipelines;

namespace ZeroTier.Managed.IpStack;

/// <summary>What is fixed for the life of an <see cref="IpStack"/>; what can change is in <see cref="IpConfiguration"/>.</summary>
internal sealed record IpStackOptions
{
    /// <summary>The port's Ethernet address.</summary>
    public required MacAddress MacAddress { get; init; }

    /// <summary>The link that sends the stack's frames.</summary>
    public required IFrameLink Link { get; init; }

    /// <summary>Computes Ethernet addresses from IP addresses, on networks where that is possible; otherwise null.</summary>
    public INeighborResolver? Resolver { get; init; }

    /// <summary>Limits the memory that TCP connections hold; shared by the stacks of a node. Null for no limit.</summary>
    public Tcp.BufferBudget? Budget { get; init; }

    /// <summary>
    /// Knows at the end of a batch which of the node's stacks have received something; shared by them. Null when the link calls
    /// <see cref="IpStack.EndOfBatch"/> after every batch.
    /// </summary>
    public Tcp.BatchQueue? Batches { get; init; }

    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    public RandomSource Random { get; init; } = RandomSource.System;

    /// <summary>The scheduler on which user code continues.</summary>
    public PipeScheduler Completions { get; init; } = PipeScheduler.ThreadPool;
}
