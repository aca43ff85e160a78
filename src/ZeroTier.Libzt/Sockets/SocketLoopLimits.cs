using ZeroTier.Libzt.Native;

namespace ZeroTier.Libzt.Sockets;

/// <summary>Limits and time-outs of the loop. Times in milliseconds.</summary>
internal sealed record SocketLoopLimits
{
    internal static SocketLoopLimits Default { get; } = new();

    /// <summary>
    /// The maximum number of sockets. The rest of libzt's 1024 descriptors is a reserve with which the loop can still accept connections in
    /// order to reset them.
    /// </summary>
    internal int MaxDescriptors { get; init; } = Zts.MaxDescriptors - 24;

    /// <summary>How long a connection disposed by the application waits for the peer's FIN.</summary>
    internal int LingerTime { get; init; } = 5_000;

    /// <summary>How long sending on a connection disposed by the application may make no progress before it is reset.</summary>
    internal int AbandonedTime { get; init; } = 60_000;

    /// <summary>The total time limit of connecting. libzt itself times out after 36 seconds without an answer.</summary>
    internal int ConnectTime { get; init; } = 45_000;

    /// <summary>
    /// How long "no route" errors are retried, because the link or the address may still be coming up (docs/protocol/4-libzt-api.md 12.1).
    /// </summary>
    internal int RouteTime { get; init; } = 10_000;

    /// <summary>How long to wait for libzt to reset an idle connection; see <see cref="LingeringSocket"/>.</summary>
    internal int ResetTime { get; init; } = 5_000;

    /// <summary>The longest poll timeout, in case a wake-up is lost.</summary>
    internal int SafetyNet { get; init; } = 20;
}
