using System.IO.Pipelines;
using System.Security.Cryptography;

namespace ZeroTier.Names;

/// <summary>Dependencies of a <see cref="NameResolver"/>.</summary>
internal sealed record NameResolverOptions
{
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Random bytes for query IDs and source ports, which a forger must not guess.</summary>
    public RandomBytes Random { get; init; } = RandomNumberGenerator.Fill;

    /// <summary>Runs the continuations of TCP connections to name servers.</summary>
    public PipeScheduler Scheduler { get; init; } = PipeScheduler.ThreadPool;
}

/// <summary>Fills a span with random bytes.</summary>
internal delegate void RandomBytes(Span<byte> destination);
