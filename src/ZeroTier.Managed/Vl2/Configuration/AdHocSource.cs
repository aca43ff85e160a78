using System.Globalization;
using ZeroTier.Managed.Vl1;
using ZeroTier.Managed.Vl2.Rules;

namespace ZeroTier.Managed.Vl2.Configuration;

/// <summary>Networks without a controller: the configuration follows from the network's ID and is made here, at once (chapter 3.10).</summary>
internal sealed class AdHocSource(NetworkId network, NodeId self) : IConfigurationSource
{
    public void Start(IConfigurationSink sink)
    {
        if (network.AdHocPorts is var (first, last))
        {
            if (first <= last)
            {
                sink.Apply(PortRange(new PortRange(first, last)));
                return;
            }

            sink.Fail(new NetworkFailure(ZeroTierNetworkStatus.NotFound, string.Create(
                CultureInfo.InvariantCulture,
                $"Network {network} cannot exist: its last port ({last}) is lower than its first port ({first}). Write the lower port first: ff, 4 digits for the first port, 4 digits for the last, 000000.")));
            return;
        }

        sink.Fail((network.Value & 0xff) == 1
            ? new NetworkFailure(ZeroTierNetworkStatus.NotSupported, string.Create(
                CultureInfo.InvariantCulture,
                $"Network {network} is an ad-hoc network with IPv4 and multicast, which this engine does not support yet. Join one of the form ffSSSSEEEE000000 (first and last port), for example ff0000ffff000000, instead."))
            : new NetworkFailure(ZeroTierNetworkStatus.NotFound, string.Create(
                CultureInfo.InvariantCulture,
                $"Network {network} cannot exist: an ID that begins with ff names an ad-hoc network and must have the form ffSSSSEEEE000000 (first and last port).")));
    }

    public void OnTick(long now)
    {
    }

    // Nobody may configure a network without a controller.
    public PacketResult OnConfiguration(Peer peer, in PacketInfo info, bool isPushed, ReadOnlySpan<byte> chunk) => PacketResult.Ignored;

    public PacketResult OnError(Peer peer, ulong requestId, ErrorCode code, ReadOnlySpan<byte> data) => PacketResult.Ignored;

    // 3.10.1
    private NetworkConfiguration PortRange(PortRange ports) => new()
    {
        Id = network,
        Name = string.Create(CultureInfo.InvariantCulture, $"adhoc-{ports.First:x4}-{ports.Last:x4}"),
        IsPublic = true,
        Revision = 1,
        CredentialMaxDelta = 7_200_000,
        Flags = NetworkFlags.NdpEmulation,
        Addresses = [new(IpAddress.From(network.GetSixPlaneAddress(self)), MemberAddressing.SixPlanePrefixLength)],
        Filter = new PortRangeFilter(ports),
    };
}
