using System.IO.Pipelines;
using Microsoft.Extensions.Logging;

namespace ZeroTier.LibztDouble;

/// <summary>What a test may set of <c>LibztNodeOptions</c>; null keeps the engine's default. The names are those of the engine.</summary>
public sealed record DoubleNodeOptions
{
    /// <summary>A planet; the double takes any bytes.</summary>
    public ReadOnlyMemory<byte>? Planet { get; init; } = new byte[] { 1 };

    /// <summary>The folder with the identity.</summary>
    public string? StoragePath { get; init; }

    /// <summary>The identity of a node without a folder.</summary>
    public string? Identity { get; init; }

    /// <summary>The UDP port, which the double binds.</summary>
    public int? Port { get; init; }

    /// <summary>Networks to join at the start.</summary>
    public IReadOnlyList<NetworkId>? Networks { get; init; }

    /// <summary>Clock and timers of the engine; the double's own clock is the system's.</summary>
    public TimeProvider? TimeProvider { get; init; }

    /// <summary>Runs what completes for users of the node.</summary>
    public PipeScheduler? Scheduler { get; init; }

    /// <summary>Where logs go.</summary>
    public ILoggerFactory? LoggerFactory { get; init; }
}
