namespace Paths.RealTime;

/// <summary>What an emulated link does to the packets of one direction.</summary>
internal sealed record LinkConditions
{
    /// <summary>Half the round trip.</summary>
    public required TimeSpan Delay { get; init; }

    /// <summary>By up to how much a packet takes longer; the order stays.</summary>
    public TimeSpan Jitter { get; init; }

    /// <summary>Share of packets that vanish, 0 to 1.</summary>
    public double Loss { get; init; }

    /// <summary>Share of packets that come later by up to <see cref="Delay"/>, behind those sent after them, 0 to 1.</summary>
    public double Reorder { get; init; }

    /// <summary>Bytes per second of the bottleneck, IP headers included; 0 for none.</summary>
    public double BytesPerSecond { get; init; }

    /// <summary>Bytes that may wait for the bottleneck; a packet that finds no room vanishes.</summary>
    public int QueueBytes { get; init; }

    /// <summary>The same distance without anything that harms, to open connections on.</summary>
    public LinkConditions DelayOnly => new() { Delay = Delay };
}
