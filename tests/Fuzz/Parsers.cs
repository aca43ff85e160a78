using ZeroTier.Managed;
using ZeroTier.Managed.Crypto;
using ZeroTier.Managed.IpStack;
using ZeroTier.Managed.Net;
using ZeroTier.Managed.Vl1.Packets;
using ZeroTier.Managed.Vl1.Peers;
using ZeroTier.Managed.Vl2.Configuration;
using ZeroTier.Managed.Vl2.Credentials;
using ZeroTier.Managed.Vl2.Multicast;
using ZeroTier.Managed.Vl2.Rules;

namespace ZeroTier.Fuzz;

/// <summary>
/// Every parser of what other nodes send, by name. Each takes any bytes, and throws where the parser does or where what it gives does not
/// hold.
/// </summary>
internal static class Parsers
{
    private static readonly NodeId s_node = new(0x63cc745077);
    private static readonly RuleSettings s_settings = new() { Random = RandomSource.System };
    private static readonly CredentialView s_credentials = new([]);

    private delegate bool Reader<T>(ref ReadOnlySpan<byte> data, out T? result);

    public static IReadOnlyDictionary<string, Action<byte[]>> All { get; } = new Dictionary<string, Action<byte[]>>
    {
        ["planet"] = data => Holds(!Planet.TryParse(data, out var planet) || planet.ToBytes().AsSpan().SequenceEqual(data)),
        ["moon"] = data =>
        {
            if (Moon.TryParse(data, out var moon))
            {
                Holds(moon.ToBytes().AsSpan().SequenceEqual(data));
                moon.Verify();
            }
        },
        ["hello"] = data => HelloMessage.TryRead(data, out _),
        ["ok-hello"] = data => OkHelloMessage.TryRead(data, out _),
        ["rendezvous"] = data => RendezvousMessage.TryRead(data, out _),
        ["paths"] = data =>
        {
            var push = new PushDirectPathsMessage(data);
            for (int records = 0; push.TryReadNext(out _); records++)
            {
                Holds(records <= data.Length);
            }
        },
        ["peer"] = data => KnownPeer.TryRead(data),
        ["lz4"] = data =>
        {
            var buffer = new byte[PacketHeader.MaxPayloadSize];
            Holds(!Lz4Block.TryDecode(data, buffer, out int length) || length <= buffer.Length);
        },
        ["membership"] = data => Read<MembershipCertificate>(data, MembershipCertificate.TryRead, certificate => certificate.Encoded),
        ["tag"] = data => Read<Tag>(data, Tag.TryRead, tag => tag.Encoded),
        ["capability"] = data => Read<Capability>(data, Capability.TryRead, capability => capability.Encoded),
        ["ownership"] = data => Read<OwnershipCertificate>(data, OwnershipCertificate.TryRead, certificate => certificate.Encoded),
        ["revocation"] = data => Read<Revocation>(data, Revocation.TryRead, revocation => revocation.Encoded),
        ["credentials"] = data => CredentialList.TryRead(data, out _),
        ["configuration"] = data =>
        {
            if (NetworkConfigurationReader.TryRead(data, RandomSource.System, out var configuration, out _))
            {
                configuration.Filter.Evaluate(Frame(data, isInbound: true));
            }
        },
        ["chunk"] = data => Holds(!ConfigurationChunk.TryRead(data, 1, out var chunk) || chunk.Data.Length <= data.Length),
        ["rules"] = data =>
        {
            if (RuleTable.TryRead(data, RuleTable.MaxRules, out var table))
            {
                var rules = new RuleSet(table, s_settings);
                rules.Evaluate(Frame(data, isInbound: true));
                rules.Evaluate(Frame(data, isInbound: false));
            }
        },
        ["multicast-frame"] = data => Holds(!MulticastFrame.TryRead(data, out var frame) || frame.Frame.Length < data.Length),
        ["gather"] = data => MulticastPackets.TryReadGather(data, out _, out _),
        ["members"] = data =>
        {
            var members = new List<NodeId>();
            MulticastPackets.TryReadMembers(data, members);
            Holds(members.Count * MulticastPackets.AddressLength <= data.Length);
        },
    };

    private static void Read<T>(byte[] data, Reader<T> read, Func<T, ReadOnlyMemory<byte>> encoded)
        where T : class
    {
        ReadOnlySpan<byte> rest = data;
        if (read(ref rest, out var result))
        {
            Holds(encoded(result!).Span.SequenceEqual(data.AsSpan(0, data.Length - rest.Length)));
        }
    }

    // The same bytes as a frame: rules look into its headers.
    private static FrameContext Frame(byte[] data, bool isInbound) => new()
    {
        IsInbound = isInbound,
        Self = s_node,
        Source = s_node,
        Destination = s_node,
        SourceMac = new MacAddress(0x02_63_cc_74_50_77),
        DestinationMac = new MacAddress(0x02_63_cc_74_50_78),
        EtherType = data.Length % 2 == 0 ? EtherTypes.IPv4 : EtherTypes.IPv6,
        Frame = data,
        Own = s_credentials,
        Remote = s_credentials,
    };

    private static void Holds(bool condition)
    {
        if (!condition)
        {
            throw new InvalidOperationException("What the parser gave does not hold.");
        }
    }
}
