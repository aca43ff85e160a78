using System.IO.Pipelines;

namespace ZeroTier.Managed.Vl2;

/// <summary>What a <see cref="NetworkTable"/> is made of.</summary>
internal sealed class NetworkTableOptions
{
    /// <summary>The node above.</summary>
    public required IVl2Client Client { get; init; }

    /// <summary>The controller that runs in this node; null for none.</summary>
    public INetworkController? Controller { get; init; }

    /// <summary>
    /// What of the addresses and routes that controllers assign is taken, on networks that have no settings of their own.
    /// </summary>
    public ZeroTierNetworkSettings Settings { get; init; } = ZeroTierNetworkSettings.Default;

    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    public RandomSource Random { get; init; } = RandomSource.System;

    /// <summary>Where continuations of user code run.</summary>
    public PipeScheduler Completions { get; init; } = PipeScheduler.ThreadPool;

    /// <summary>What the connections of all networks may hold in memory; null for a budget without a limit.</summary>
    public IpStack.Tcp.BufferBudget? Budget { get; init; }

    /// <summary>Where captures of the networks' frames are.</summary>
    public Capture.CaptureTap Captures { get; init; } = new();
}
