using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace ZeroTier.Testing;

/// <summary>
/// Options of a <see cref="TestNetwork"/>. Read once, by <see cref="TestNetwork.StartAsync(TestNetworkOptions, CancellationToken)"/>.
/// </summary>
public sealed record TestNetworkOptions
{
    /// <summary>
    /// The one-way delay of each datagram, 0 to 10 seconds. Default 0. The system's timers have a resolution of about a millisecond.
    /// </summary>
    public TimeSpan Latency { get; init; }

    /// <summary>The fraction of datagrams that are lost, 0 to 0.5. Default 0.</summary>
    public double Loss { get; init; }

    /// <summary>
    /// The seed of the random choice of lost datagrams. Default 1. Since threads race, runs with the same seed are similar but not
    /// identical.
    /// </summary>
    public int Seed { get; init; } = 1;

    /// <summary>
    /// Whether the root is also a network controller, for networks with members, IPv4 addresses, rules and names
    /// (<c>TestNetwork.CreateNetworkAsync</c>). Default false: all networks are ad-hoc and open to every node.
    /// </summary>
    public bool HasController { get; init; }

    /// <summary>
    /// Whether nodes of this test network (of apps and clients, and those that it starts) are authorised automatically. Set it to false to
    /// test authorisation; the test then authorises nodes through <see cref="TestNetwork.Controller"/>. Default true.
    /// </summary>
    public bool AuthorizesNodes { get; init; } = true;

    /// <summary>
    /// Creates the loggers of the root, of the controller, and of the nodes that the test network starts. Default: none. The nodes of apps
    /// use the app's loggers.
    /// </summary>
    public ILoggerFactory LoggerFactory { get; init; } = NullLoggerFactory.Instance;
}
