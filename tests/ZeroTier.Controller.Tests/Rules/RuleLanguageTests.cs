using System.Globalization;
using System.Text;
using System.Text.Json;
using ZeroTier.Controller.Rules;

namespace ZeroTier.Controller.Tests.Rules;

public class RuleLanguageTests
{
    // The real compiler loses the highest bit, as the reference says; it should not be copied.
    private const string LostBit = "14 two high characteristics bits lose the top one";

    public static TheoryData<string> Recorded() => [.. RuleVectors.Names("ruleCompiler").Except([LostBit])];

    [Theory]
    [MemberData(nameof(Recorded))]
    public void Texts_compile_as_with_the_real_compiler(string name)
    {
        JsonElement vector = RuleVectors.Find("ruleCompiler", name);

        RuleCompilation compilation = RuleLanguage.Compile(vector.GetProperty("source").GetString()!);

        if (vector.TryGetProperty("error", out JsonElement error))
        {
            // 5.9.2: in the first line the real compiler counts columns from 0.
            int line = error.GetProperty("line").GetInt32();
            Assert.Equal(
                (line, error.GetProperty("column").GetInt32() + (line == 1 ? 1 : 0)),
                (compilation.Errors[0].Line, compilation.Errors[0].Column));
            Assert.Null(compilation.Program);
            return;
        }

        Assert.Empty(compilation.Errors);
        AssertIsOutput(vector.GetProperty("output"), compilation.Program!);
    }

    [Fact]
    public void Both_high_characteristics_are_kept()
    {
        RuleProgram program = Compile("drop chr inbound,multicast;");

        Assert.Equal(
            [NetworkRule.Characteristics(FrameCharacteristics.Inbound | FrameCharacteristics.Multicast), NetworkRule.Drop], program.Rules);
    }

    [Theory]
    [InlineData("accept;\nethertype arp;", 2, 1, "ACCEPT;")]
    [InlineData("drop ;\nethertype arp;", 2, 1, "DROP;")]
    [InlineData("accept ethertype arp\ndrop;", 2, 1, "not ended")]
    [InlineData("accept dport 80x;", 1, 14, "not '80x'")]
    [InlineData("accept dport 65536;", 1, 14, "65535")]
    [InlineData("accept dport 90-80;", 1, 14, "80-90")]
    [InlineData("accept dport;", 1, 8, "Expected a port")]
    [InlineData("accept ethertype 0x10000;", 1, 18, "Ethernet type")]
    [InlineData("accept ipprotocol icmp;", 1, 8, "icmp4")]
    [InlineData("accept ipsrc 10.0.0.0/33;", 1, 14, "0 to 32")]
    [InlineData("accept ipsrc 10.0.0/8;", 1, 14, "10.1.2.0/24")]
    [InlineData("accept ipsrc fe80::1%1/64;", 1, 14, "fd00::/8")]
    [InlineData("accept ztsrc 123;", 1, 14, "10 hexadecimal")]
    [InlineData("accept macsrc 02:01;", 1, 15, "02:01:02")]
    [InlineData("accept random 1.5;", 1, 15, "0.0 to 1.0")]
    [InlineData("accept chr tcp_son;", 1, 12, "tcp_syn")]
    [InlineData("accept icmp 8 256;", 1, 15, "-1 for any")]
    [InlineData("accept not;", 1, 8, "Expected a match")]
    [InlineData("accept nonsense 1;", 1, 8, "ethertype")]
    [InlineData("tee 70000 1122334455;", 1, 5, "65535")]
    [InlineData("tee 0 112233445;", 1, 7, "10 hexadecimal")]
    [InlineData("redirect;", 1, 1, "10 hexadecimal")]
    [InlineData("priority 1;", 1, 1, "reserved")]
    [InlineData("accept dport $p;", 1, 14, "only known in macros")]
    [InlineData("include web", 1, 9, "Unknown macro")]
    [InlineData("macro web accept dport 80; ;\ninclude Web", 2, 9, "'web'")]
    [InlineData("macro web($p) accept dport $p; ;\ninclude web", 2, 9, "1 parameters")]
    [InlineData("macro web($p) accept dport $q; ;\ninclude web(80)", 1, 28, "$p")]
    [InlineData("macro web($p $q) accept; ;", 1, 7, "no blanks")]
    [InlineData("macro web(p) accept; ;", 1, 7, "$protocol")]
    [InlineData("macro m include m ;\ninclude m", 1, 17, "include itself")]
    [InlineData("macro drop accept; ;", 1, 7, "word of the language")]
    [InlineData("macro", 1, 1, "Expected a name")]
    [InlineData("MACRO m accept;", 1, 1, "small letters")]
    [InlineData("tag 1st id 5;", 1, 5, "no digit first")]
    [InlineData("tag t enum 1 a;", 1, 5, "needs an ID")]
    [InlineData("tag t id 5 id 6;", 1, 12, "already")]
    [InlineData("tag t id 5;\ntag T id 6;", 2, 5, "already")]
    [InlineData("tag t id 5;\ntag u id 5;", 2, 5, "same ID")]
    [InlineData("tag t id 5 flag 32 a;", 1, 17, "up to 31")]
    [InlineData("tag t id 5 enum 1 a default b;", 1, 29, "one of its names")]
    [InlineData("tag t id 5 colour red;", 1, 12, "'enum'")]
    [InlineData("tag t id 5 enum 1 a;\naccept teq t c;", 2, 14, "(a)")]
    [InlineData("accept teq t 5;", 1, 12, "none is defined")]
    [InlineData("cap c accept; ;", 1, 5, "needs an ID")]
    [InlineData("cap c id 1 accept; ;\ncap d id 1 accept; ;", 2, 5, "same ID")]
    [InlineData("cap c id 1 cap d id 2 accept; ;", 1, 12, "the one before")]
    [InlineData("# comment\r\n\r\n\tboo", 3, 2, "an action")]
    public void Errors_name_the_place_and_what_was_expected(string source, int line, int column, string message)
    {
        RuleError error = RuleLanguage.Compile(source).Errors[0];

        Assert.Equal((line, column), (error.Line, error.Column));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.StartsWith($"line {line}, column {column}: ", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void All_errors_are_reported_in_the_order_of_the_text()
    {
        RuleCompilation compilation = RuleLanguage.Compile("accept dport x;\naccept dport 80;\nbogus\ntag t;\ndrop ethertype y;\n");

        Assert.Equal([1, 3, 4, 5], compilation.Errors.Select(error => error.Line));
    }

    [Fact]
    public void Errors_are_counted()
    {
        RuleCompilation compilation = RuleLanguage.Compile(
            string.Concat(Enumerable.Repeat("accept dport x;\n", 10 * RuleLanguage.MaxErrors)));

        Assert.Equal(RuleLanguage.MaxErrors, compilation.Errors.Length);
    }

    [Fact]
    public void Bare_actions_in_capitals_stand_anywhere()
    {
        RuleProgram program = Compile("cap c id 1 DROP accept dport 1; BREAK ;\nACCEPT;\ndrop;");

        Assert.Equal([NetworkRule.Accept, NetworkRule.Drop], program.Rules);
        Assert.Equal(
            [NetworkRule.Drop, NetworkRule.DestinationPorts(1, 1), NetworkRule.Accept, NetworkRule.Break], program.Capabilities[0].Rules);
    }

    [Fact]
    public void Macros_pass_their_parameters_on()
    {
        RuleProgram program = Compile(
            "macro tcp($port) accept ipprotocol tcp dport $port; ;\nmacro web($p) include tcp($p) ;\ninclude web(443)");

        Assert.Equal([NetworkRule.IPProtocol(6), NetworkRule.DestinationPorts(443, 443), NetworkRule.Accept], program.Rules);
    }

    [Theory]
    [InlineData(NetworkRule.MaxPerNetwork, "", "")]
    [InlineData(NetworkRule.MaxPerCapability, "cap c id 1\n", ";")]
    public void Rules_are_as_many_as_members_take(int max, string before, string after)
    {
        string rules = string.Concat(Enumerable.Repeat("accept dport 1;\n", max / 2));

        Assert.True(RuleLanguage.Compile(before + rules + after).Succeeded);
        RuleError error = Assert.Single(RuleLanguage.Compile(before + rules + "accept dport 1;\n" + after).Errors);
        Assert.Contains($"More than {max} rules", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Tags_and_capabilities_are_as_many_as_members_take()
    {
        string tags = string.Concat(Enumerable.Range(0, NetworkTag.MaxPerNetwork).Select(i => $"tag t{i} id {i};\n"));
        string capabilities = string.Concat(
            Enumerable.Range(0, NetworkCapability.MaxPerNetwork).Select(i => $"cap c{i} id {i} accept dport 1; ;\n"));

        Assert.True(RuleLanguage.Compile(tags + capabilities).Succeeded);
        Assert.Contains("More than 128 tags", RuleLanguage.Compile(tags + "tag t id 999;").Errors[0].Message, StringComparison.Ordinal);
        Assert.Contains(
            "More than 128 capabilities",
            RuleLanguage.Compile(capabilities + "cap c id 999 accept dport 1; ;").Errors[0].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Macros_that_multiply_are_stopped()
    {
        var text = new StringBuilder("macro m0 accept and and and and; ;\n");
        for (int i = 1; i < 30; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $"macro m{i} include m{i - 1} include m{i - 1} ;\n");
        }

        Assert.Single(RuleLanguage.Compile(text + "include m29").Errors);

        text.Replace("accept and and and and;", "include e");
        RuleError error = Assert.Single(RuleLanguage.Compile(text + "macro e ;\ninclude m29").Errors);
        Assert.Contains("1,000,000", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Text_and_words_have_a_length()
    {
        string tooLong = new(' ', RuleLanguage.MaxSourceLength + 1);
        Assert.Contains("262,144", RuleLanguage.Compile(tooLong).Errors[0].Message, StringComparison.Ordinal);
        Assert.Empty(RuleLanguage.Compile(new string(' ', RuleLanguage.MaxSourceLength)).Errors);
        Assert.Contains("1024", RuleLanguage.Compile($"include {new string('a', 1025)}").Errors[0].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Nesting_has_no_depth_that_overflows()
    {
        Assert.NotEmpty(RuleLanguage.Compile(string.Concat(Enumerable.Repeat("drop ", RuleLanguage.MaxSourceLength / 5))).Errors);
        Assert.NotEmpty(RuleLanguage.Compile(string.Concat(Enumerable.Repeat("cap x ", RuleLanguage.MaxSourceLength / 6))).Errors);
    }

    private static RuleProgram Compile(string source)
    {
        RuleCompilation compilation = RuleLanguage.Compile(source);
        Assert.Empty(compilation.Errors);
        return compilation.Program!;
    }

    private static void AssertIsOutput(JsonElement output, RuleProgram program)
    {
        JsonElement config = output.GetProperty("config");
        Assert.Equal(RuleListJson.ReadRules(config.GetProperty("rules"))!.Value, program.Rules);
        Assert.Equal(
            RuleListJson.ReadCapabilities(config.GetProperty("capabilities"))!.Value,
            program.Capabilities.OrderBy(capability => capability.Id));
        Assert.Equal(RuleListJson.ReadTags(config.GetProperty("tags"))!.Value, program.Tags.OrderBy(tag => tag.Id));
        Assert.Equal(
            output.GetProperty("capabilitiesByName").EnumerateObject()
                .Select(capability => (capability.Name, capability.Value.GetUInt32())),
            program.CapabilitiesByName.Select(capability => (capability.Key, capability.Value)));
        Assert.Equal(
            output.GetProperty("tagsByName").EnumerateObject().Select(tag => (tag.Name, JsonSerializer.Serialize(tag.Value))),
            program.TagsByName.Select(tag => (tag.Key, Json(tag.Value))));
    }

    private static string Json(NamedTag tag) =>
        $$"""{"id":{{tag.Id}},"default":{{tag.Default?.ToString(CultureInfo.InvariantCulture) ?? "null"}}"""
        + $$""","enums":{{Json(tag.Enums)}},"flags":{{Json(tag.Flags)}}}""";

    private static string Json(IReadOnlyDictionary<string, uint> names) =>
        $"{{{string.Join(',', names.Select(name => $"\"{name.Key}\":{name.Value}"))}}}";
}
