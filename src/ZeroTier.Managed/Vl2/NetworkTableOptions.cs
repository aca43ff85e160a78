using System.IO.Pipelines;

namespace ZeroTier.Managed.Vl2;

/// <summary>Options and dependencies of a <see cref="NetworkTable"/>.</summary>
internal sealed class NetworkTableOptions
{
    /// <summary>The layer above, which receives events.</summary>
    public required IVl2Client Client { get; init; }

    /// <summary>The controller that runs in this node; null for none.</summary>
    public INetworkController? Controller { get; init; }

    /// <summary>
    /// Which addresses and routes assigned by controllers are accepted, on networks that have no settings of their own.
    /// </summary>
    public ZeroTierNetworkSettings Settings { get; init; } = ZeroTierNetworkSettings.Default;

    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    public RandomSource Random { get; init; } = RandomSource.System;

    /// <summary>The scheduler on which user code continues.</summary>
    public PipeScheduler Completions { get; init; } = PipeScheduler.ThreadPool;

    /// <summary>Limits the memory that connections of all networks hold; null for no limit.</summary>
    public IpStack.Tcp.BufferBudget? Budget { get; init; }

    /// <summary>The networks that have something to do at the end of a batch.</summary>
    public IpStack.Tcp.BatchQueue Batches { get; } = new();

    /// <summary>The running captures of the networks' frames.</summary>
    public Capture.CaptureTap Captures { get; init; } = new();
}
