namespace ZeroTier.Hosting.Node;

/// <summary>How peers are reached, as a tag of measurements (rule 9.3).</summary>
internal static class PathTags
{
    private const string Path = "zerotier.path";

    public static KeyValuePair<string, object?> Direct { get; } = new(Path, "direct");

    public static KeyValuePair<string, object?> Relayed { get; } = new(Path, "relayed");
}
