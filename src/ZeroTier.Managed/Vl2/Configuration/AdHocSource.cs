using System.Globalization;
using ZeroTier.Managed.Vl1;
using ZeroTier.Managed.Vl2.Rules;

namespace ZeroTier.Managed.Vl2.Configuration;

/// <summary>
/// Configuration of ad-hoc networks, which have no controller: it is derived from the network ID, immediately (docs/protocol/3-vl2.md
/// 3.10).
/// </summary>
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
                $"Network {network} cannot exist: its last port ({last}) is lower than its first port ({first}). Write the lower port "
                + $"first: ff, 4 digits for the first port, 4 digits for the last, 000000.")));
            return;
        }

        if ((network.Value & 0xff) == 1)
        {
            sink.Apply(WholeRange((byte)(network.Value >> 48)));
            return;
        }

        sink.Fail(new NetworkFailure(ZeroTierNetworkStatus.NotFound, string.Create(
            CultureInfo.InvariantCulture,
            $"Network {network} cannot exist: an ID that begins with ff names an ad-hoc network and must have the form ffSSSSEEEE000000 "
            + $"(first and last port), or ffNNxxxxxxxxxx01 (IPv4 addresses NN.x.y.z).")));
    }

    public void OnTick(long now)
    {
    }

    // No node may configure an ad-hoc network.
    public PacketResult OnConfiguration(Peer peer, in PacketInfo info, bool isPushed, ReadOnlySpan<byte> chunk) => PacketResult.Ignored;

    public PacketResult OnError(Peer peer, ulong requestId, ErrorCode code, ReadOnlySpan<byte> data) => PacketResult.Ignored;

    // 3.10.1: an ad-hoc network whose ID contains the range of ports that its rules allow.
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

    // 3.10.2: all frames pass, and there is multicast.
    private NetworkConfiguration WholeRange(byte firstOctet) => new()
    {
        Id = network,
        Name = string.Create(CultureInfo.InvariantCulture, $"adhoc-{firstOctet}.0.0.0"),
        IsPublic = true,
        Revision = 1,
        CredentialMaxDelta = 7_200_000,
        MulticastLimit = 1024,
        Flags = NetworkFlags.NdpEmulation,
        Addresses =
        [
            new(IpAddress.From(network.GetSixPlaneAddress(self)), NetworkConfiguration.SixPlanePrefixLength),
            new(IpAddress.FromIPv4((uint)firstOctet << 24 | (uint)self.Value & 0xff_ffff), 8),
        ],
        Filter = AcceptAll.Instance,
    };
}
