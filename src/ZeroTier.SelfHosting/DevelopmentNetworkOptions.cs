using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using ZeroTier.Managed;

namespace ZeroTier.SelfHosting;

/// <summary>Where a <see cref="DevelopmentNetwork"/> lives.</summary>
public sealed record DevelopmentNetworkOptions
{
    /// <summary>
    /// The folder with the root's identity and the planet. Processes with the same folder are on the same network. It is closed to other
    /// users. Default: <c>ztkestrel/dev</c> in the user's local application data, for example <c>~/.local/share/ztkestrel/dev</c>.
    /// </summary>
    public string Path { get; init; } = System.IO.Path.Combine(
        Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify),
        "ztkestrel",
        "dev");

    /// <summary>
    /// How often a process looks whether the root's role has become free, 10 ms or more; half as much again is added at random.
    /// Default 500 ms.
    /// </summary>
    public TimeSpan TakeOverInterval { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>Clock and timers. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Random numbers. Default: the system's cryptographic generator.</summary>
    public RandomSource RandomSource { get; init; } = RandomSource.System;

    /// <summary>Where logs go. Default: nowhere.</summary>
    public ILoggerFactory LoggerFactory { get; init; } = NullLoggerFactory.Instance;

    /// <summary>Opens the physical network on a port, for tests that want to see what is sent.</summary>
    internal Func<int, IDatagramTransport>? OpenTransport { get; init; }
}
