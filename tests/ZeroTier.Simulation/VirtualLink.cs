namespace ZeroTier.Simulation;

/// <summary>How one direction between two hosts treats datagrams. The default is a perfect link with one millisecond of delay.</summary>
public sealed record VirtualLink
{
    /// <summary>A perfect link: 1 ms, no loss, no limit.</summary>
    public static VirtualLink Perfect { get; } = new();

    /// <summary>Propagation time. Default 1 ms; zero still never delivers inside the send call.</summary>
    public TimeSpan Delay { get; init; } = TimeSpan.FromMilliseconds(1);

    /// <summary>Up to this much is added to each datagram's delay, uniformly; datagrams overtake each other. Default 0.</summary>
    public TimeSpan Jitter { get; init; }

    /// <summary>
    /// Probability that a datagram is held back by <see cref="ReorderDelay"/>, so that later ones overtake it. Default 0.
    /// </summary>
    public double Reorder { get; init; }

    /// <summary>How long a reordered datagram is held back. Default 5 ms.</summary>
    public TimeSpan ReorderDelay { get; init; } = TimeSpan.FromMilliseconds(5);

    /// <summary>Probability from 0 to 1 that a datagram is lost. Default 0.</summary>
    public double Loss { get; init; }

    /// <summary>Probability that a datagram arrives twice. Default 0.</summary>
    public double Duplicate { get; init; }

    /// <summary>Probability that one random bit of a datagram is flipped. Default 0.</summary>
    public double Corrupt { get; init; }

    /// <summary>Bytes per second, 28 or 48 bytes of headers per datagram included; 0 means no limit. Default 0.</summary>
    public long Bandwidth { get; init; }

    /// <summary>With a bandwidth: bytes that may wait for the line; what does not fit is dropped. Default 256 KiB.</summary>
    public int QueueBytes { get; init; } = 256 * 1024;

    /// <summary>Largest UDP payload that passes; larger ones vanish. Default 1,472, what Ethernet carries over IPv4.</summary>
    public int Mtu { get; init; } = 1472;

    /// <summary>Routers on the way: a datagram sent with a hop limit of this or less dies here. Default 4.</summary>
    public int Routers { get; init; } = 4;
}
