namespace ZeroTier.Managed;

/// <summary>Which frames are captured, and how much.</summary>
public sealed record CaptureOptions
{
    /// <summary>The lowest <see cref="MaxSize"/>, 4 KiB.</summary>
    internal const long LowestMaxSize = 4096;

    /// <summary>
    /// The network whose frames are captured; it may be joined later. Default: null, every network of the node.
    /// </summary>
    public NetworkId? Network { get; init; }

    /// <summary>The maximum size of the capture in bytes, 4,096 or more; the capture ends before it would exceed this size. Default
    /// 67,108,864 (64 MiB).</summary>
    public long MaxSize { get; init; } = 64 * 1024 * 1024;
}
