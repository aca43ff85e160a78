namespace Root;

/// <summary>What became of a load.</summary>
internal struct Carried
{
    /// <summary>Datagrams sent.</summary>
    public long Sent { get; set; }

    /// <summary>Datagrams, or answers, that arrived.</summary>
    public long Arrived { get; set; }

    /// <summary>Their bytes.</summary>
    public long Bytes { get; set; }

    /// <summary>For how long it was offered.</summary>
    public TimeSpan Time { get; set; }

    /// <summary>Processor time of the process that relayed or answered.</summary>
    public TimeSpan Processor { get; set; }

    /// <summary>Bytes that it allocated.</summary>
    public long Allocated { get; set; }

    public readonly double PerSecond => Arrived / Time.TotalSeconds;

    public readonly double MegabytesPerSecond => Bytes / Time.TotalSeconds / 1e6;

    public readonly double LostPercent => 100.0 * (Sent - Arrived) / Sent;

    /// <summary>Processor seconds per million datagrams: microseconds for each.</summary>
    public readonly double ProcessorPerMillion => Processor.TotalSeconds / Arrived * 1e6;

    public readonly double ProcessorPerGigabyte => Processor.TotalSeconds / Bytes * 1e9;

    public readonly double AllocatedEach => (double)Allocated / Arrived;
}
