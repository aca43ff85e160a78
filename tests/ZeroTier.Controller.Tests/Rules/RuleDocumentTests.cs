using System.Text.RegularExpressions;

namespace ZeroTier.Controller.Tests.Rules;

/// <summary>The examples of docs/rules.md.</summary>
public partial class RuleDocumentTests
{
    internal static string[] Examples { get; } = [.. Example().Matches(Text()).Select(match => match.Groups["text"].Value)];

    [Fact]
    public void Every_example_compiles_and_has_rules()
    {
        Assert.Equal(4, Examples.Length);
        Assert.All(Examples, example =>
        {
            RuleCompilation compilation = RuleLanguage.Compile(example);
            Assert.Empty(compilation.Errors);
            Assert.NotEmpty(compilation.Program!.Rules);
        });
    }

    private static string Text()
    {
        using Stream stream = typeof(RuleDocumentTests).Assembly.GetManifestResourceStream("rules.md")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().ReplaceLineEndings("\n");
    }

    [GeneratedRegex(@"```rules\n(?<text>.*?)```", RegexOptions.Singleline)]
    private static partial Regex Example();
}
