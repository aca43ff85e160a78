using System.Globalization;
using ZeroTier.Managed.Vl1;

namespace ZeroTier.Managed.Vl2.Configuration;

/// <summary>Networks with a controller, which this engine does not speak to yet.</summary>
internal sealed class ControllerSource(NetworkId network) : IConfigurationSource
{
    public void Start(IConfigurationSink sink) => sink.Fail(new NetworkFailure(ZeroTierNetworkStatus.NotSupported, string.Create(
        CultureInfo.InvariantCulture,
        $"Network {network} has a controller (node {network.Controller}). This engine does not support networks with a controller yet. Join an ad-hoc network, for example ff0000ffff000000, instead.")));

    public void OnTick(long now)
    {
    }

    public PacketResult OnConfiguration(Peer peer, in PacketInfo info, bool isPushed, ReadOnlySpan<byte> chunk) => PacketResult.Ignored;

    public PacketResult OnError(Peer peer, ulong requestId, ErrorCode code, ReadOnlySpan<byte> data) => PacketResult.Ignored;
}
