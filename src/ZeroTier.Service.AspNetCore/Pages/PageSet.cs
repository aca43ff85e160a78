using System.Net;
using System.Reflection;
using System.Text;

namespace ZeroTier.Service.AspNetCore.Pages;

/// <summary>
/// A set of pages, from the embedded resources of an assembly: files under <c>Pages/</c> are shared by all sets, files under the set's own
/// folder belong to it. Each HTML file is inserted into <c>layout.html</c>, with a script of the same name, and its heading as the title;
/// <c>navigation.html</c> contains the links between the pages.
/// </summary>
internal sealed class PageSet
{
    private const string SharedFolder = "Pages/";
    private const string Page = ".html";
    private const string Style = ".css";
    private static readonly string[] Frame = ["layout", "navigation", "sign-in"];

    private readonly string _layout;
    private readonly string _signIn;

    private PageSet(string key, string layout, string signIn, IReadOnlyList<PageFile> assets, IReadOnlyList<PageFile> pages)
    {
        Key = key;
        _layout = layout;
        _signIn = signIn;
        Assets = assets;
        Pages = pages;
    }

    /// <summary>Identifies the set, in lower case.</summary>
    public string Key { get; }

    /// <summary>Scripts, style sheets and icons.</summary>
    public IReadOnlyList<PageFile> Assets { get; }

    /// <summary>The pages, by file name without extension; the start page is <c>index</c>.</summary>
    public IReadOnlyList<PageFile> Pages { get; }

    /// <summary>Reads a set.</summary>
    /// <param name="name">The name of the set, for page titles.</param>
    /// <param name="assembly">The assembly with the set's own files as resources.</param>
    /// <param name="folder">The prefix of the resources' names, with a trailing slash.</param>
    public static PageSet Read(string name, Assembly assembly, string folder)
    {
        Dictionary<string, byte[]> shared = ReadAll(typeof(PageSet).Assembly, SharedFolder), own = ReadAll(assembly, folder);
        PageFile[] assets =
        [
            .. from file in shared.Concat(own)
               where !file.Key.EndsWith(Page, StringComparison.Ordinal)
               select new PageFile(file.Key, TypeOf(file.Key), file.Value)
        ];
        string styles = string.Join(
            '\n',
            from asset in assets
            where asset.Name.EndsWith(Style, StringComparison.Ordinal)
            select $"""<link rel="stylesheet" href="{asset.Name}">""");
        string layout = Text(shared["layout" + Page]).Replace("{name}", WebUtility.HtmlEncode(name), StringComparison.Ordinal)
            .Replace("{styles}", styles, StringComparison.Ordinal);
        string links = own.TryGetValue("navigation" + Page, out byte[]? navigation) ? Text(navigation) : "";
        string framed = layout.Replace("{navigation}", links, StringComparison.Ordinal);
        return new PageSet(
            folder.TrimEnd('/').ToLowerInvariant(),
            layout.Replace("{navigation}", "", StringComparison.Ordinal),
            Text(shared["sign-in" + Page]),
            assets,
            [
                .. from file in own
                   let page = file.Key.EndsWith(Page, StringComparison.Ordinal) ? file.Key[..^Page.Length] : null
                   where page is not null && !Frame.Contains(page)
                   select new PageFile(page, TypeOf(file.Key), Encoding.UTF8.GetBytes(Fill(framed, Text(file.Value), page)))
            ]);
    }

    /// <summary>The sign-in page.</summary>
    /// <param name="message">An error message in plain text; null for none.</param>
    public string SignIn(string? message) => Fill(_layout, _signIn, script: null).Replace(
        "{message}",
        message is null ? "" : $"""<p class="problem" role="alert">{WebUtility.HtmlEncode(message)}</p>""",
        StringComparison.Ordinal);

    private static string Fill(string layout, string main, string? script)
    {
        int start = main.IndexOf("<h1>", StringComparison.Ordinal) + 4, end = main.IndexOf("</h1>", StringComparison.Ordinal);
        return layout.Replace("{title}", main[start..end], StringComparison.Ordinal)
            .Replace("{script}", script is null ? "" : $"""<script type="module" src="{script}.js"></script>""", StringComparison.Ordinal)
            .Replace("{main}", main, StringComparison.Ordinal);
    }

    private static string TypeOf(string name) => Path.GetExtension(name) switch
    {
        Style => "text/css; charset=utf-8",
        ".js" => "text/javascript; charset=utf-8",
        ".svg" => "image/svg+xml",
        Page => "text/html; charset=utf-8",
        string other => throw new InvalidOperationException($"Pages have no files that end with '{other}'."),
    };

    private static string Text(byte[] content) => Encoding.UTF8.GetString(content);

    private static Dictionary<string, byte[]> ReadAll(Assembly assembly, string folder)
    {
        var files = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        foreach (string resource in assembly.GetManifestResourceNames().Where(r => r.StartsWith(folder, StringComparison.Ordinal)))
        {
            using Stream stream = assembly.GetManifestResourceStream(resource)!;
            byte[] content = new byte[stream.Length];
            stream.ReadExactly(content);
            files[resource[folder.Length..]] = content;
        }

        return files;
    }
}
