namespace ZeroTier.Managed;

/// <summary>What a capture takes, and how much of it.</summary>
public sealed record CaptureOptions
{
    /// <summary>The lowest <see cref="MaxSize"/>, 4 KiB.</summary>
    internal const long LowestMaxSize = 4096;

    /// <summary>
    /// The network whose frames are captured; joined already, or later. Default: none named, which means every network of the node.
    /// </summary>
    public NetworkId? Network { get; init; }

    /// <summary>Bytes that the capture may have, 4,096 or more; it ends before it grows beyond that. Default 67,108,864 (64 MiB).</summary>
    public long MaxSize { get; init; } = 64 * 1024 * 1024;
}
