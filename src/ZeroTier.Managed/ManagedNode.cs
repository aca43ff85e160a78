using System.Net;

namespace ZeroTier.Managed;

/// <summary>A ZeroTier node in managed code. Any number may live in one process. Thread-safe.</summary>
public sealed class ManagedNode : IZeroTierNode
{
    private readonly ManagedNodeOptions _options;

    /// <summary>Makes a node; nothing is opened before the start.</summary>
    /// <exception cref="ArgumentException">An option is out of its range; the message names it.</exception>
    public ManagedNode(ManagedNodeOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
    }

    /// <inheritdoc />
    public string Engine => "managed";

    /// <inheritdoc />
    public string EngineVersion => _options.Port.ToString(System.Globalization.CultureInfo.InvariantCulture);

    /// <inheritdoc />
    public ZeroTierNodeState State => ZeroTierNodeState.Stopped;

    /// <inheritdoc />
    public ZeroTierException? FatalError => null;

    /// <inheritdoc />
    public NodeId Id => throw NotYet();

    /// <inheritdoc />
    public bool IsOnline => false;

    /// <inheritdoc />
    public IReadOnlyList<ZeroTierNetwork> Networks => [];

    /// <inheritdoc />
    public IReadOnlyList<ZeroTierPeer> Peers => [];

    /// <summary>The physical UDP endpoints that are bound now; empty while the node does not run.</summary>
    public IReadOnlyList<IPEndPoint> LocalEndPoints => [];

    /// <inheritdoc />
    public Task StartAsync(CancellationToken cancellationToken = default) => throw NotYet();

    /// <inheritdoc />
    public ValueTask DrainAsync(CancellationToken cancellationToken = default) => throw NotYet();

    /// <inheritdoc />
    public Task StopAsync(CancellationToken cancellationToken = default) => throw NotYet();

    /// <inheritdoc />
    public Task RestartAsync(CancellationToken cancellationToken = default) => throw NotYet();

    /// <inheritdoc />
    public Task JoinAsync(NetworkId network, CancellationToken cancellationToken = default) => throw NotYet();

    /// <inheritdoc />
    public Task LeaveAsync(NetworkId network, CancellationToken cancellationToken = default) => throw NotYet();

    /// <inheritdoc />
    public Task WaitForOnlineAsync(CancellationToken cancellationToken = default) => throw NotYet();

    /// <inheritdoc />
    public Task<ZeroTierNetwork> WaitForNetworkAsync(NetworkId network, CancellationToken cancellationToken = default) => throw NotYet();

    /// <inheritdoc />
    public IZeroTierEventSubscription Subscribe(int capacity = 256) => throw NotYet();

    /// <inheritdoc />
    public ValueTask<IZeroTierListener> ListenAsync(ZeroTierEndPoint endPoint, ZeroTierTransportOptions? options = null, CancellationToken cancellationToken = default) => throw NotYet();

    /// <inheritdoc />
    public ValueTask<ZeroTierConnection> ConnectAsync(ZeroTierEndPoint endPoint, ZeroTierTransportOptions? options = null, CancellationToken cancellationToken = default) => throw NotYet();

    /// <inheritdoc />
    public ValueTask<IZeroTierDatagramSocket> BindDatagramAsync(ZeroTierEndPoint endPoint, CancellationToken cancellationToken = default) => throw NotYet();

    /// <summary>Sends an ICMP echo request over a network and waits for the reply.</summary>
    /// <param name="network">The network to send on.</param>
    /// <param name="address">Whom to ask.</param>
    /// <param name="payloadLength">Bytes of data to carry, 0 to 1400.</param>
    /// <param name="cancellationToken">Ends the wait; there is no other limit.</param>
    /// <returns>The round-trip time.</returns>
    /// <exception cref="ZeroTierException">The network is not usable now, or there is no route.</exception>
    public ValueTask<TimeSpan> PingAsync(NetworkId network, IPAddress address, int payloadLength = 56, CancellationToken cancellationToken = default) => throw NotYet();

    /// <inheritdoc />
    public ZeroTierStatistics GetStatistics() => new();

    /// <inheritdoc />
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static ZeroTierException NotYet() => new(ZeroTierError.NotSupported, "The managed engine does not support this yet.");
}
