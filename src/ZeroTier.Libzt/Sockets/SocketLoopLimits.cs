using ZeroTier.Libzt.Native;

namespace ZeroTier.Libzt.Sockets;

/// <summary>What the loop allows itself, and how long it waits. Times in milliseconds.</summary>
internal sealed record SocketLoopLimits
{
    internal static SocketLoopLimits Default { get; } = new();

    /// <summary>
    /// Connections, listeners and UDP ports at once. The rest of libzt's 1024 descriptors lets the loop go on accepting, to reset what is
    /// too much.
    /// </summary>
    internal int MaxDescriptors { get; init; } = Zts.MaxDescriptors - 24;

    /// <summary>How long a connection that the application has let go may wait for the peer's end of the stream.</summary>
    internal int LingerTime { get; init; } = 5_000;

    /// <summary>How long bytes of a connection that the application has let go may make no progress.</summary>
    internal int AbandonedTime { get; init; } = 60_000;

    /// <summary>How long connecting may take in all. libzt gives a silent host up after 36 seconds.</summary>
    internal int ConnectTime { get; init; } = 45_000;

    /// <summary>How long "no route" is taken for a link or an address that is just coming up (docs/protocol/4-libzt-api.md 12.1).</summary>
    internal int RouteTime { get; init; } = 10_000;

    /// <summary>How long libzt may take to reset a connection that is idle; see <see cref="LingeringSocket"/>.</summary>
    internal int ResetTime { get; init; } = 5_000;

    /// <summary>The longest sleep, in case a wake-up is lost.</summary>
    internal int SafetyNet { get; init; } = 20;
}
