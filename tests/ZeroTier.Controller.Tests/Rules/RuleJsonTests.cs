using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using ZeroTier.Controller.Rules;
using ZeroTier.Managed.Vl2.Rules;

namespace ZeroTier.Controller.Tests.Rules;

public class RuleJsonTests
{
    // ZeroTierOne stores 64 bits of IDs and defaults, of which members get 32, and it refuses the integer range that it has a form for.
    private static readonly string[] Different =
    [
        "field: tags",
        "field: tags not an array is ignored",
        "field: rules, integer range is refused",
    ];

    public static TheoryData<string> Cases() => [.. RuleVectors.Names("cases").Except(Different)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Lists_are_read_and_written_as_by_a_real_controller(string name)
    {
        JsonElement vector = RuleVectors.Find("cases", name);
        JsonElement body = JsonElement.Parse(vector.GetProperty("body").GetString()!);
        if (vector.GetProperty("status").GetInt32() != 200)
        {
            Assert.Throws<JsonException>(() => RuleListJson.ReadRules(body.GetProperty("rules")));
            return;
        }

        foreach (JsonProperty list in body.EnumerateObject())
        {
            string? written = list.Name switch
            {
                "rules" => Written(RuleListJson.ReadRules(list.Value)),
                "capabilities" => Written(RuleListJson.ReadCapabilities(list.Value)),
                _ => Written(RuleListJson.ReadTags(list.Value)),
            };

            Assert.Equal(
                list.Value.ValueKind == JsonValueKind.Array ? Compact(vector.GetProperty("stored").GetProperty(list.Name)) : null, written);
        }
    }

    [Fact]
    public void Each_form_has_the_binary_that_a_real_member_received()
    {
        foreach (JsonElement vector in RuleVectors.Root.GetProperty("rules").EnumerateArray()
            .Where(item => item.TryGetProperty("stored", out _)))
        {
            Assert.True(RuleJson.TryRead(vector.GetProperty("posted"), out NetworkRule rule));

            RuleTable table = RuleEncoding.ToTable([rule], NetworkRule.MaxPerNetwork);
            byte[] binary = new byte[table.EncodedLength];
            table.Write(binary);
            Assert.Equal(vector.GetProperty("binaryAtMember").GetString(), Convert.ToHexStringLower(binary));
            Assert.Equal(Compact(vector.GetProperty("stored")), Written<NetworkRule>([rule]));
        }
    }

    [Fact]
    public void All_forms_come_back_from_the_binary_table()
    {
        JsonElement all = RuleVectors.Root.GetProperty("rules").EnumerateArray().Last();
        Assert.True(
            RuleTable.TryRead(
                Convert.FromHexString(all.GetProperty("binaryAtMember").GetString()!), NetworkRule.MaxPerNetwork, out RuleTable? table));

        Assert.True(RuleEncoding.TryFromTable(table, out ImmutableArray<NetworkRule>? rules));

        var stored = RuleVectors.Root.GetProperty("rules").EnumerateArray()
            .SkipLast(1)
            .Select(vector => Compact(vector.GetProperty("stored")[0]));
        Assert.Equal(stored, rules.Value.Select(rule => JsonSerializer.Serialize(rule)));
    }

    [Fact]
    public void Table_with_an_entry_that_a_controller_cannot_make_is_refused()
    {
        Assert.True(RuleTable.TryRead([0x06, 0, 0x01, 0], NetworkRule.MaxPerNetwork, out RuleTable? priority));

        Assert.False(RuleEncoding.TryFromTable(priority, out _));
    }

    [Fact]
    public void More_rules_than_members_take_are_refused()
    {
        ImmutableArray<NetworkRule> rules = [.. Enumerable.Repeat(NetworkRule.Accept, NetworkRule.MaxPerCapability)];

        Assert.Equal(rules.Length, RuleEncoding.ToTable(rules, NetworkRule.MaxPerCapability).Rules.Length);
        Assert.Throws<ArgumentException>(() => RuleEncoding.ToTable(rules.Add(NetworkRule.Drop), NetworkRule.MaxPerCapability));
    }

    [Fact]
    public void Ids_are_cut_to_the_32_bits_that_members_get()
    {
        JsonElement posted = JsonElement.Parse(
            """[{"id":4294967297,"default":4294967298},{"id":-1,"default":-1},{"id":"12","default":"4"}]""");

        Assert.Equal([new(1, 2), new(12, 4), new(uint.MaxValue, uint.MaxValue)], RuleListJson.ReadTags(posted)!.Value);
    }

    [Fact]
    public void Integer_range_is_taken()
    {
        string json = """{"bits":16,"end":"00000000000001ff","idx":14,"little":true,"not":true"""
            + ""","or":false,"start":"0000000000000100","type":"INTEGER_RANGE"}""";

        NetworkRule rule = JsonSerializer.Deserialize<NetworkRule>(json);

        Assert.Equal(NetworkRule.IntegerRange(0x100, 0x1ff, index: 14, bits: 16, isLittleEndian: true).Not(), rule);
        Assert.Equal(json, JsonSerializer.Serialize(rule));
    }

    [Theory]
    [InlineData("""{"type":"MATCH_SOMETHING"}""")]
    [InlineData("""{}""")]
    [InlineData("""null""")]
    [InlineData("""{"type":"MATCH_CHARACTERISTICS","mask":true}""")]
    [InlineData("""{"type":"MATCH_MAC_DEST","mac":"\ud800"}""")]
    public void Converter_refuses_what_is_no_rule(string json) =>
        Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<NetworkRule>(json));

    [Fact]
    public void Capabilities_and_tags_come_back_from_json()
    {
        var capability = new NetworkCapability(7, [NetworkRule.DestinationPorts(80, 443), NetworkRule.Accept], isDefault: true);

        Assert.Equal(capability, JsonSerializer.Deserialize<NetworkCapability>(JsonSerializer.Serialize(capability)));
        Assert.NotEqual(capability, new NetworkCapability(7, [NetworkRule.DestinationPorts(80, 444), NetworkRule.Accept], isDefault: true));
        Assert.Equal(new NetworkTag(5), JsonSerializer.Deserialize<NetworkTag>(JsonSerializer.Serialize(new NetworkTag(5))));
        Assert.Equal(new NetworkTag(5, 9), JsonSerializer.Deserialize<NetworkTag>(JsonSerializer.Serialize(new NetworkTag(5, 9))));
        Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<NetworkCapability>("""{"id":1,"rules":[{"type":"X"}]}"""));
        Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<NetworkTag>("""{"id":-1}"""));
    }

    private static string? Written<T>(ImmutableArray<T>? list) =>
        list is { } values ? $"[{string.Join(',', values.Select(value => JsonSerializer.Serialize(value)))}]" : null;

    private static string Compact(JsonElement json)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            json.WriteTo(writer);
        }

        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
