using System.Text;

namespace ZeroTier.Controller.Tests.Rules;

public class RuleLanguageFuzzTests
{
    private static readonly string[] Words =
    [
        "macro", "tag", "cap", "drop", "accept", "tee", "watch", "redirect", "break", "priority", "include", "id", "default", "enum",
        "flag", "and", "or", "not", "ipsrc", "dport",
        "chr", "teq", "tand", "icmp", "random", "ethertype", ";", ";;", "accept;", "DROP;", "m", "m($a,$b)", "m(", "m(,)", "$a", "0", "-1",
        "0x", "80-443", "1,2", "10.0.0.0/8",
        "::/0", "t", "1122334455", "0.5", "#", "\r\n", "\n", "'", "\0", "\ud800", "é", "99999999999999999999",
    ];

    [Fact]
    public void Mutated_texts_give_rules_or_errors()
    {
        string[] sources = [.. RuleVectors.Root.GetProperty("ruleCompiler").EnumerateArray()
            .Select(vector => vector.GetProperty("source").GetString()!)];
        int programs = 0;
        for (int seed = 0; seed < 5_000; seed++)
        {
            var random = new Random(seed);
            string source = Mutate(sources[random.Next(sources.Length)], random);

            RuleCompilation compilation = RuleLanguage.Compile(source);

            Assert.Equal(compilation.Succeeded, compilation.Errors.IsEmpty);
            Assert.InRange(compilation.Errors.Length, 0, RuleLanguage.MaxErrors);
            Assert.All(
                compilation.Errors,
                error => Assert.True(
                    error.Line >= 1 && error.Column >= 1 && error.Message.Length is > 0 and < 4096, $"Seed {seed}: {error}"));
            if (compilation.Succeeded)
            {
                programs++;
                RuleProgram again = RuleLanguage.Compile(RuleLanguage.Format(compilation.Program)).Program!;
                Assert.True(compilation.Program.Rules.SequenceEqual(again.Rules), $"Seed {seed}");
            }
        }

        Assert.InRange(programs, 50, 4_950);
    }

    private static string Mutate(string source, Random random)
    {
        var text = new StringBuilder(source);
        for (int mutations = random.Next(1, 4); mutations > 0; mutations--)
        {
            int position = random.Next(text.Length + 1);
            switch (random.Next(4))
            {
                case 0:
                    text.Insert(position, $" {Words[random.Next(Words.Length)]} ");
                    break;
                case 1:
                    text.Insert(position, Words[random.Next(Words.Length)]);
                    break;
                case 2:
                    text.Remove(position, Math.Min(random.Next(8), text.Length - position));
                    break;
                default:
                    int from = random.Next(text.Length + 1);
                    text.Insert(position, text.ToString(from, Math.Min(random.Next(40), text.Length - from)));
                    break;
            }
        }

        return text.ToString();
    }
}
