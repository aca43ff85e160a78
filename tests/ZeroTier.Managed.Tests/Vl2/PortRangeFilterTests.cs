using System.Globalization;
using System.Text.Json;
using ZeroTier.Managed.Vl2.Rules;

namespace ZeroTier.Managed.Tests.Vl2;

public class PortRangeFilterTests
{
    private const string RulesHead = "a50286dd000024013a01002401116401062804";
    private const string RulesTail = "0100a90800000000000000020100290800000000000000022908000000000000001001000000";

    public static TheoryData<string, string> RecordedCases()
    {
        var data = new TheoryData<string, string>();
        foreach (var item in Cases())
        {
            data.Add(item.GetProperty("name").GetString()!, item.GetProperty("direction").GetString()!);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(RecordedCases))]
    public void Accepts_recorded_case_agrees_with_the_reference(string name, string direction)
    {
        var item = Cases().Single(c => c.GetProperty("name").GetString() == name && c.GetProperty("direction").GetString() == direction);
        string ports = item.GetProperty("rules_hex").GetString()![RulesHead.Length..][..8];
        var filter = new PortRangeFilter(new(
            ushort.Parse(ports[..4], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture),
            ushort.Parse(ports[4..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture)));

        bool accepted = Accepts(filter, (ushort)item.GetProperty("ethertype").GetInt32(), item.Hex("frame"));

        Assert.Equal(item.GetProperty("result").GetString() == "accept", accepted);
    }

    [Theory]
    [InlineData(21, false)]
    [InlineData(22, true)]
    [InlineData(80, true)]
    [InlineData(81, false)]
    public void Accepts_syn_behind_extension_headers_applies_the_range(int port, bool expected)
    {
        var filter = new PortRangeFilter(new(22, 80));
        byte[] options = [60, 0, 1, 4, 0, 0, 0, 0];
        byte[] destinationOptions = [6, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

        Assert.Equal(expected, Accepts(filter, 0x86dd, Packet(0, [.. options, .. destinationOptions, .. Syn(port)])));
    }

    [Theory]
    [InlineData(81, false)]
    [InlineData(80, true)]
    public void Accepts_syn_in_a_first_fragment_applies_the_range(int port, bool expected)
    {
        var filter = new PortRangeFilter(new(22, 80));

        Assert.Equal(expected, Accepts(filter, 0x86dd, Packet(44, [6, 0, 0, 1, 0, 0, 0, 9, .. Syn(port)])));
    }

    [Fact]
    public void Accepts_first_fragment_that_hides_the_flags_is_dropped()
    {
        var filter = new PortRangeFilter(new(22, 80));

        Assert.False(Accepts(filter, 0x86dd, Packet(44, [6, 0, 0, 1, 0, 0, 0, 9, .. Syn(80)[..8]])));
    }

    [Fact]
    public void Accepts_first_fragment_that_ends_within_its_headers_is_dropped()
    {
        // Destination options of 16 bytes, of which 8 are here: the rest, and a SYN to any port, would come in the second fragment.
        var filter = new PortRangeFilter(new(22, 80));

        Assert.False(Accepts(filter, 0x86dd, Packet(44, [60, 0, 0, 1, 0, 0, 0, 9, 6, 1, 1, 12, 0, 0, 0, 0])));
    }

    [Theory]
    [InlineData(16)]
    [InlineData(8)]
    public void Accepts_first_fragment_with_harmless_flags_behind_its_end_is_dropped(byte length)
    {
        // The stack goes by the stated length; the real flags would come in the second fragment.
        var filter = new PortRangeFilter(new(22, 80));
        byte[] harmless = Syn(81);
        harmless[13] = 0x10;
        byte[] packet = Packet(44, [6, 0, 0, 1, 0, 0, 0, 9, .. harmless]);
        packet[5] = length;

        Assert.False(Accepts(filter, 0x86dd, packet));
    }

    [Fact]
    public void Accepts_port_zero_never_matches() =>
        Assert.False(Accepts(new PortRangeFilter(PortRange.All), 0x86dd, Packet(6, Syn(0))));

    [Fact]
    public void Accepts_any_truncation_of_any_recorded_frame_does_not_throw()
    {
        var filter = new PortRangeFilter(new(22, 80));
        foreach (var item in VectorFile.Json("vl2.json").GetProperty("rule_evaluation").EnumerateArray())
        {
            byte[] frame = item.Hex("frame");
            for (int length = 0; length <= frame.Length; length++)
            {
                Accepts(filter, (ushort)item.GetProperty("ethertype").GetInt32(), frame.AsSpan(0, length));
            }
        }
    }

    private static IEnumerable<JsonElement> Cases() => VectorFile.Json("vl2.json").GetProperty("rule_evaluation").EnumerateArray()
        .Where(item => item.GetProperty("rules_hex").GetString()! is { } rules
            && rules.StartsWith(RulesHead, StringComparison.Ordinal) && rules.EndsWith(RulesTail, StringComparison.Ordinal));

    private static byte[] Packet(byte nextHeader, byte[] payload)
    {
        byte[] packet = new byte[40 + payload.Length];
        packet[0] = 0x60;
        packet[5] = (byte)payload.Length;
        packet[6] = nextHeader;
        payload.CopyTo(packet, 40);
        return packet;
    }

    private static byte[] Syn(int port) =>
        [0x9c, 0x40, (byte)(port >> 8), (byte)port, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 0x02, 0xff, 0xff, 0, 0, 0, 0];

    private static bool Accepts(PortRangeFilter filter, ushort etherType, ReadOnlySpan<byte> frame)
    {
        // The addresses do not matter to these rules, nor does the direction.
        var context = new FrameContext
        {
            IsInbound = true,
            Self = default,
            Source = default,
            SourceMac = default,
            DestinationMac = default,
            EtherType = etherType,
            Frame = frame,
            Own = NoCredentials.Instance,
        };
        var verdict = filter.Evaluate(context);
        Assert.Contains(verdict, new[] { Verdict.Accept, Verdict.Drop });
        return verdict == Verdict.Accept;
    }
}
