using ZeroTier.Managed.Vl1;

namespace ZeroTier.Managed.Vl2.Configuration;

/// <summary>
/// The source of one joined network's configuration. After <see cref="Start"/> several threads may call at the same time, without holding
/// locks; methods must not block and must not throw.
/// </summary>
internal interface IConfigurationSource
{
    /// <summary>Called once, when the network is joined. May call the sink immediately.</summary>
    void Start(IConfigurationSink sink);

    /// <summary>VL1's control tick, every 500 ms. Time in milliseconds of <see cref="Vl1Node"/>.</summary>
    void OnTick(long now);

    /// <summary>The configuration in force may be out of date: a source that requests configurations does so soon.</summary>
    void Refresh()
    {
    }

    /// <summary>Handles a chunk of a configuration (docs/protocol/3-vl2.md 3.3.4), from the network ID on.</summary>
    /// <param name="peer">The sender, authenticated by VL1.</param>
    /// <param name="info">The packet's reception.</param>
    /// <param name="isPushed">True for NETWORK_CONFIG; false for the answer to a request of ours that VL1 expected from this peer.</param>
    /// <param name="chunk">Valid during the call.</param>
    PacketResult OnConfiguration(Peer peer, in PacketInfo info, bool isPushed, ReadOnlySpan<byte> chunk);

    /// <summary>
    /// Handles an ERROR that answers a request (3.3.3). The source must check that the request was ours and the peer is the controller.
    /// </summary>
    /// <param name="peer">The sender, authenticated by VL1.</param>
    /// <param name="requestId">The packet ID that the error quotes.</param>
    /// <param name="code">The error.</param>
    /// <param name="data">From the network ID on. Valid during the call.</param>
    PacketResult OnError(Peer peer, ulong requestId, ErrorCode code, ReadOnlySpan<byte> data);
}

/// <summary>Receives the results of a source. Thread-safe. To be called without holding locks, since it calls applications.</summary>
internal interface IConfigurationSink
{
    /// <summary>The configuration in force; null before the first.</summary>
    NetworkConfiguration? Configuration { get; }

    /// <summary>Puts a configuration in force, which the source has verified and which was issued to us. Ends a former failure.</summary>
    void Apply(NetworkConfiguration configuration);

    /// <summary>The source could not get a configuration. The one in force, if any, stays (3.3.1).</summary>
    void Fail(NetworkFailure failure);
}

/// <summary>Why a network has no, or no new, configuration.</summary>
/// <param name="Status">The network's new status.</param>
/// <param name="Detail">The reason, and what the user can do about it.</param>
internal sealed record NetworkFailure(ZeroTierNetworkStatus Status, string Detail)
{
    /// <summary>
    /// URL at which a person can log in; untrusted text. Null when no login is required, or the controller gave no URL.
    /// </summary>
    public string? LoginUrl { get; init; }
}
