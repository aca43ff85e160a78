using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using ZeroTier.Managed;

namespace ZeroTier.SelfHosting;

/// <summary>Options of a <see cref="DevelopmentNetwork"/>.</summary>
public sealed record DevelopmentNetworkOptions
{
    /// <summary>
    /// The folder with the root's identity and the planet. Processes with the same folder are on the same network. Other users get no
    /// access to it. Default: <c>ztkestrel/dev</c> in the user's local application data, for example <c>~/.local/share/ztkestrel/dev</c>.
    /// </summary>
    public string Path { get; init; } = System.IO.Path.Combine(
        Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify),
        "ztkestrel",
        "dev");

    /// <summary>
    /// The interval at which a process checks whether the root's role is free, 10 ms or more. A random jitter of up to half of it is added.
    /// Default 500 ms.
    /// </summary>
    public TimeSpan TakeOverInterval { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>The clock and the timers. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>The random number generator. Default: the system's cryptographic generator.</summary>
    public RandomSource RandomSource { get; init; } = RandomSource.System;

    /// <summary>Creates the loggers. Default: none.</summary>
    public ILoggerFactory LoggerFactory { get; init; } = NullLoggerFactory.Instance;

    /// <summary>Opens the datagram transport on a port. For tests that observe what is sent.</summary>
    internal Func<int, IDatagramTransport>? OpenTransport { get; init; }
}
