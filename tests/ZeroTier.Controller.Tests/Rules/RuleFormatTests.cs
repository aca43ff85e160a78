using System.Text.Json;

namespace ZeroTier.Controller.Tests.Rules;

public class RuleFormatTests
{
    [Fact]
    public void Random_rules_come_back_from_text_and_from_json()
    {
        for (int seed = 0; seed < 500; seed++)
        {
            var random = new RandomRules(seed);
            var program = new RuleProgram(
                random.List(1 + (seed % 20)),
                [new(7, random.List(3), isDefault: true), new(random.Number() | 8, random.List(seed % 4))],
                [new(9), new(random.Number() | 16, random.Number())]);

            string text = RuleLanguage.Format(program);

            RuleCompilation compilation = RuleLanguage.Compile(text);
            Assert.True(compilation.Succeeded, $"Seed {seed}: {string.Join('\n', compilation.Errors)}\n{text}");
            AssertSame(program, compilation.Program, $"Seed {seed}");
            Assert.Equal(
                program.Rules, program.Rules.Select(rule => JsonSerializer.Deserialize<NetworkRule>(JsonSerializer.Serialize(rule))));
        }
    }

    public static TheoryData<string> Recorded() =>
        [.. RuleVectors.Root.GetProperty("ruleCompiler").EnumerateArray()
            .Where(vector => vector.TryGetProperty("output", out _))
            .Select(vector => vector.GetProperty("name").GetString()!)];

    [Theory]
    [MemberData(nameof(Recorded))]
    public void Recorded_texts_come_back_with_their_names(string name)
    {
        RuleProgram program = RuleLanguage.Compile(RuleVectors.Find("ruleCompiler", name).GetProperty("source").GetString()!).Program!;

        RuleProgram again = RuleLanguage.Compile(RuleLanguage.Format(program)).Program!;

        AssertSame(program, again, name);
        Assert.Equal(program.CapabilitiesByName, again.CapabilitiesByName);
        Assert.Equal(program.TagsByName.Keys, again.TagsByName.Keys);
        Assert.All(program.TagsByName, tag => Assert.Equal(tag.Value.Enums, again.TagsByName[tag.Key].Enums));
        Assert.All(program.TagsByName, tag => Assert.Equal(tag.Value.Flags, again.TagsByName[tag.Key].Flags));
    }

    [Fact]
    public void Text_is_written_for_people()
    {
        const string Source = """
            tag role
              id 5
              enum 7 guest
              flag 0,4 admin
              default guest
            ;

            cap web
              id 1
              default
              ACCEPT
            ;

            drop not ethertype ipv4 and not ethertype arp;
            accept
              ipprotocol tcp
              and dport 80-443
              or chr tcp_syn,inbound
            ;
            accept tand role admin or tseq role 9;
            ACCEPT;
            tee 64 1122334455 random 0.5;
            drop;

            """;

        Assert.Equal(Source, RuleLanguage.Format(RuleLanguage.Compile(Source).Program!));
    }

    [Theory]
    [InlineData("""{"type":"INTEGER_RANGE","bits":8}""")]
    [InlineData("""{"type":"MATCH_IP_DEST_PORT_RANGE","start":90,"end":80}""")]
    [InlineData("""{"type":"MATCH_CHARACTERISTICS","mask":0}""")]
    [InlineData("""{"type":"ACTION_TEE","address":"1122334455","flags":1}""")]
    public void Rules_without_words_are_named(string json)
    {
        NetworkRule rule = JsonSerializer.Deserialize<NetworkRule>(json);

        var error = Assert.Throws<NotSupportedException>(() => RuleLanguage.Format(new RuleProgram([rule, NetworkRule.Drop], [], [])));

        Assert.Contains(JsonSerializer.Serialize(rule), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Matches_without_an_action_have_no_text() =>
        Assert.Throws<NotSupportedException>(() => RuleLanguage.Format(new RuleProgram([NetworkRule.EtherType(0x800)], [], [])));

    [Fact]
    public void Rules_without_names_get_some()
    {
        var program = new RuleProgram([NetworkRule.TagsEqual(5, 1), NetworkRule.Accept], [new(1, [NetworkRule.Accept])], [new(5, 0)]);

        AssertSame(program, RuleLanguage.Compile(RuleLanguage.Format(program)).Program!, "unnamed");
        Assert.Throws<ArgumentException>(() => new RuleProgram([], [new(1, []), new(1, [])], []));
        Assert.Throws<ArgumentException>(() => new RuleProgram([], [], [new(1), new(1)]));
    }

    private static void AssertSame(RuleProgram expected, RuleProgram actual, string what)
    {
        Assert.True(expected.Rules.SequenceEqual(actual.Rules), what);
        Assert.True(expected.Capabilities.SequenceEqual(actual.Capabilities), what);
        Assert.True(expected.Tags.SequenceEqual(actual.Tags), what);
    }
}
