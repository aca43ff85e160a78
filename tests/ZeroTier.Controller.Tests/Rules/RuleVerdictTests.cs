using System.Buffers.Binary;
using System.Collections.Immutable;
using ZeroTier.Controller.Rules;
using ZeroTier.Managed;
using ZeroTier.Managed.Net;
using ZeroTier.Managed.Vl2.Rules;

namespace ZeroTier.Controller.Tests.Rules;

/// <summary>The first example of docs/rules.md, compiled, sent as members get it, and applied by a member to frames.</summary>
public class RuleVerdictTests
{
    private const ushort IPv4 = 0x0800;
    private const ushort IPv6 = 0x86dd;
    private const byte Tcp = 6;
    private const byte Udp = 17;
    private const byte Syn = 0x02;
    private const byte SynAck = 0x12;
    private const byte Ack = 0x10;

    private static readonly RuleProgram Program = RuleLanguage.Compile(RuleDocumentTests.Examples[0]).Program!;

    [Theory]
    [InlineData(IPv4)]
    [InlineData(IPv6)]
    public void Port_8080_is_open_and_answers_pass(ushort family)
    {
        Assert.True(Passes(family, Tcp, 40000, 8080, Syn));
        Assert.True(Passes(family, Tcp, 8080, 40000, SynAck));
        Assert.True(Passes(family, Tcp, 40000, 8080, Ack));
    }

    [Theory]
    [InlineData(IPv4)]
    [InlineData(IPv6)]
    public void Other_ports_and_protocols_are_closed(ushort family)
    {
        Assert.False(Passes(family, Tcp, 40000, 8081, Syn));
        Assert.False(Passes(family, Tcp, 8080, 22, Syn));
        Assert.False(Passes(family, Udp, 40000, 8080, 0));
    }

    [Fact]
    public void Ping_and_address_resolution_pass()
    {
        Assert.True(Passes(IPv4, 1, 0x0800, 0, 0));
        Assert.True(Passes(IPv6, 58, 0x8000, 0, 0));
        Assert.True(Passes(0x0806, 0, 0, 0, 0));
        Assert.False(Passes(0x8035, 0, 0, 0, 0));
    }

    [Theory]
    [InlineData(IPv4)]
    [InlineData(IPv6)]
    public void Capability_of_the_sender_opens_one_more_port(ushort family)
    {
        Assert.False(Passes(family, Tcp, 40000, 22, Syn));
        Assert.True(Passes(family, Tcp, 40000, 22, Syn, Program.Capabilities));
        Assert.False(Passes(family, Tcp, 40000, 23, Syn, Program.Capabilities));
    }

    [Fact]
    public void Network_without_rules_drops_everything()
    {
        RuleProgram nothing = RuleLanguage.Compile("").Program!;

        Assert.Equal(FrameAction.Drop, Evaluate(nothing.Rules, IPv4, Frame(IPv4, Tcp, 40000, 8080, Syn), []));
    }

    private static bool Passes(
        ushort etherType,
        byte protocol,
        ushort source,
        ushort destination,
        byte flags,
        ImmutableArray<NetworkCapability> capabilities = default) =>
        Evaluate(
            Program.Rules,
            etherType,
            Frame(etherType, protocol, source, destination, flags),
            capabilities.IsDefault ? [] : capabilities) == FrameAction.Accept;

    private static FrameAction Evaluate(
        ImmutableArray<NetworkRule> rules, ushort etherType, byte[] frame, ImmutableArray<NetworkCapability> capabilities)
    {
        var filter = new RuleSet(AsReceived(rules, NetworkRule.MaxPerNetwork), new RuleSettings { Random = RandomSource.System });
        var sender = new Credentials([.. capabilities.Select(capability => AsReceived(capability.Rules, NetworkRule.MaxPerCapability))]);
        return filter.Evaluate(new FrameContext
        {
            IsInbound = true,
            Self = new NodeId(0x1111111111),
            Source = new NodeId(0x2222222222),
            Destination = new NodeId(0x1111111111),
            SourceMac = new MacAddress(0x020000000002),
            DestinationMac = new MacAddress(0x020000000001),
            EtherType = etherType,
            Frame = frame,
            Own = NoCredentials.Instance,
            Remote = sender,
        }).Action;
    }

    private static RuleTable AsReceived(ImmutableArray<NetworkRule> rules, int max)
    {
        RuleTable table = RuleEncoding.ToTable(rules, max);
        byte[] binary = new byte[table.EncodedLength];
        table.Write(binary);
        Assert.True(RuleTable.TryRead(binary, max, out RuleTable? received));
        return received;
    }

    private static byte[] Frame(ushort etherType, byte protocol, ushort source, ushort destination, byte flags)
    {
        int header = etherType == IPv6 ? 40 : 20;
        byte[] frame = new byte[header + 20];
        frame[0] = etherType == IPv6 ? (byte)0x60 : (byte)0x45;
        frame[etherType == IPv6 ? 6 : 9] = protocol;
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(header), source);
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(header + 2), destination);
        frame[header + 12] = 0x50;
        frame[header + 13] = flags;
        return frame;
    }

    private sealed class Credentials(ImmutableArray<RuleTable> capabilities) : IMemberCredentials
    {
        public ImmutableArray<RuleTable> Capabilities => capabilities;

        public bool StatesOwnership => false;

        public bool TryGetTag(uint id, out uint value)
        {
            value = 0;
            return false;
        }

        public bool Owns(in IpAddress address) => false;

        public bool Owns(MacAddress address) => false;
    }
}
