using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Observability.Tests;

/// <summary>A message of the log, as its definition says.</summary>
internal sealed record LogMessage(string Package, string Class, string Summary, string Category, int Id, string Level, string Name, string Text);

/// <summary>Reads the definitions of all log messages from the sources under <c>src</c>, so that new packages and messages are found by themselves.</summary>
internal static partial class LogMessages
{
    public static IReadOnlyList<LogMessage> All { get; } = [.. Directory.EnumerateFiles(Path.Combine(Repository.Root, "src"), "*.cs", SearchOption.AllDirectories)
        .Where(file => !Built().IsMatch(file))
        .Order(StringComparer.Ordinal)
        .SelectMany(Read)];

    private static IEnumerable<LogMessage> Read(string file)
    {
        string source = File.ReadAllText(file);
        if (!source.Contains("[LoggerMessage(", StringComparison.Ordinal))
        {
            return [];
        }

        string package = Path.GetRelativePath(Path.Combine(Repository.Root, "src"), file).Split(Path.DirectorySeparatorChar)[0];
        return from attribute in CSharpSyntaxTree.ParseText(source).GetRoot().DescendantNodes().OfType<AttributeSyntax>()
               where attribute.Name.ToString() == "LoggerMessage"
               let type = attribute.FirstAncestorOrSelf<TypeDeclarationSyntax>()!
               select Message(package, type, attribute);
    }

    private static LogMessage Message(string package, TypeDeclarationSyntax type, AttributeSyntax attribute)
    {
        var arguments = attribute.ArgumentList!.Arguments;
        string? Named(string name) => arguments.FirstOrDefault(a => a.NameEquals?.Name.ToString() == name) is { } argument ? Value(argument.Expression) : null;
        AttributeArgumentSyntax[] inOrder = [.. arguments.Where(a => a.NameEquals is null)];
        string? At(int i) => i < inOrder.Length ? Value(inOrder[i].Expression) : null;
        string level = (At(1) ?? Named("Level"))!.Split('.')[^1];
        string category = type.Members.OfType<FieldDeclarationSyntax>().SelectMany(field => field.Declaration.Variables)
            .FirstOrDefault(variable => variable.Identifier.Text.EndsWith("Category", StringComparison.Ordinal))?.Initializer is { } value ? Value(value.Value) : "";
        return new LogMessage(
            package,
            type.Identifier.Text,
            Summary(type),
            category,
            int.Parse(At(0) ?? Named("EventId")!, CultureInfo.InvariantCulture),
            level,
            Named("EventName") ?? attribute.FirstAncestorOrSelf<MethodDeclarationSyntax>()!.Identifier.Text,
            (At(2) ?? Named("Message"))!);
    }

    private static string Value(ExpressionSyntax expression) => expression switch
    {
        LiteralExpressionSyntax literal => literal.Token.ValueText,
        BinaryExpressionSyntax { RawKind: (int)SyntaxKind.AddExpression } sum => Value(sum.Left) + Value(sum.Right),
        ParenthesizedExpressionSyntax inner => Value(inner.Expression),
        _ => expression.ToString(),
    };

    private static string Summary(TypeDeclarationSyntax type)
    {
        string text = string.Concat(type.GetLeadingTrivia().Where(trivia => trivia.HasStructure || trivia.IsKind(SyntaxKind.SingleLineCommentTrivia)).Select(trivia => trivia.ToFullString()));
        var match = SummaryText().Match(text);
        return match.Success ? Space().Replace(Markup().Replace(match.Groups[1].Value.Replace("///", " ", StringComparison.Ordinal), "`$1`"), " ").Trim() : "";
    }

    [GeneratedRegex(@"[\\/](obj|bin)[\\/]")]
    private static partial Regex Built();

    [GeneratedRegex("<summary>(.*?)</summary>", RegexOptions.Singleline)]
    private static partial Regex SummaryText();

    [GeneratedRegex("""<(?:c|see cref=")>?(.*?)(?:</c>|"\s*/>)""")]
    private static partial Regex Markup();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Space();
}
