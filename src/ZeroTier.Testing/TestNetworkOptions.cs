using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace ZeroTier.Testing;

/// <summary>
/// What a <see cref="TestNetwork"/> is like. Read once, by <see cref="TestNetwork.StartAsync(TestNetworkOptions, CancellationToken)"/>.
/// </summary>
public sealed record TestNetworkOptions
{
    /// <summary>
    /// How long each datagram is under way, 0 to 10 seconds. Default 0: it arrives at once. The system's timers are about a millisecond
    /// coarse.
    /// </summary>
    public TimeSpan Latency { get; init; }

    /// <summary>The share of datagrams that get lost, 0 to 0.5. Default 0.</summary>
    public double Loss { get; init; }

    /// <summary>
    /// Where the choice of lost datagrams begins. Default 1. Threads race in real time, so an equal seed makes a similar run, not the same.
    /// </summary>
    public int Seed { get; init; } = 1;

    /// <summary>
    /// Whether the root carries a controller, for networks with members, IPv4 addresses, rules and names
    /// (<c>TestNetwork.CreateNetworkAsync</c>).
    /// Default false: no controller, and every network is open.
    /// </summary>
    public bool HasController { get; init; }

    /// <summary>
    /// Whether the controller lets in the nodes of this test network by itself: those of apps and clients, and those that the network
    /// starts. False for tests of who gets in, which then authorise nodes at <see cref="TestNetwork.Controller"/>. Default true.
    /// </summary>
    public bool AuthorizesNodes { get; init; } = true;

    /// <summary>
    /// Where the logs of the root and of the nodes that the network starts go. Default: nowhere. An app logs with its own logger.
    /// </summary>
    public ILoggerFactory LoggerFactory { get; init; } = NullLoggerFactory.Instance;
}
