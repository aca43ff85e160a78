namespace ZeroTier.Hosting.Node;

/// <summary>The metric tag for the kind of path to a peer (rule 9.3).</summary>
internal static class PathTags
{
    private const string Path = "zerotier.path";

    public static KeyValuePair<string, object?> Direct { get; } = new(Path, "direct");

    public static KeyValuePair<string, object?> Relayed { get; } = new(Path, "relayed");
}
