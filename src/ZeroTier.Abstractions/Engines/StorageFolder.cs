namespace ZeroTier.Engines;

/// <summary>What the text of a setting says about a node's storage folder.</summary>
internal static class StorageFolder
{
    /// <summary>No folder: the node lives in memory and writes nothing.</summary>
    public const string Memory = ":memory:";

    /// <summary>The folder; null for none.</summary>
    public static string? Of(string? setting) => setting == Memory ? null : setting;
}
