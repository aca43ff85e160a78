using ZeroTier.Managed.Vl1;

namespace ZeroTier.Managed.Vl2.Configuration;

/// <summary>
/// Where the configuration of one joined network comes from. After <see cref="Start"/> several threads may call at once, none with a lock
/// held; calls must not block and must not throw.
/// </summary>
internal interface IConfigurationSource
{
    /// <summary>The network is joined. May report at once.</summary>
    void Start(IConfigurationSink sink);

    /// <summary>VL1's control tick, every 500 ms. Time in milliseconds of <see cref="Vl1Node"/>.</summary>
    void OnTick(long now);

    /// <summary>The configuration in force may be out of date: ask for it soon, where it is asked for.</summary>
    void Refresh()
    {
    }

    /// <summary>A piece of a configuration (docs/protocol/3-vl2.md 3.3.4), from the network ID on.</summary>
    /// <param name="peer">Who sent it, as VL1 has proven.</param>
    /// <param name="info">How it came.</param>
    /// <param name="isPushed">NETWORK_CONFIG; else the answer to a request of ours, which VL1 expected from this peer.</param>
    /// <param name="chunk">Valid during the call.</param>
    PacketResult OnConfiguration(Peer peer, in PacketInfo info, bool isPushed, ReadOnlySpan<byte> chunk);

    /// <summary>
    /// A request was answered with an error (3.3.3). Whether the request was ours, and the peer the controller, is for the source to check.
    /// </summary>
    /// <param name="peer">Who sent it, as VL1 has proven.</param>
    /// <param name="requestId">The packet ID that the error names.</param>
    /// <param name="code">The error.</param>
    /// <param name="data">From the network ID on. Valid during the call.</param>
    PacketResult OnError(Peer peer, ulong requestId, ErrorCode code, ReadOnlySpan<byte> data);
}

/// <summary>Takes what a source has to report. Thread-safe. Call it without locks: it reaches applications.</summary>
internal interface IConfigurationSink
{
    /// <summary>The configuration in force; null before the first.</summary>
    NetworkConfiguration? Configuration { get; }

    /// <summary>A configuration, verified and for us: it is in force from now on, and a former failure is over.</summary>
    void Apply(NetworkConfiguration configuration);

    /// <summary>There is no configuration, or no further one. The one in force stays (3.3.1).</summary>
    void Fail(NetworkFailure failure);
}

/// <summary>Why a network gets no configuration.</summary>
/// <param name="Status">What the network's state becomes.</param>
/// <param name="Detail">The reason, and what the user can do about it.</param>
internal sealed record NetworkFailure(ZeroTierNetworkStatus Status, string Detail)
{
    /// <summary>Where a person can log in; untrusted text. Null where none is wanted, or the controller named none.</summary>
    public string? LoginUrl { get; init; }
}
