namespace ZeroTier.Engines;

/// <summary>Interprets the setting for a node's storage folder.</summary>
internal static class StorageFolder
{
    /// <summary>The value for no folder: the node keeps everything in memory and writes nothing.</summary>
    public const string Memory = ":memory:";

    /// <summary>The folder; null for none.</summary>
    public static string? Of(string? setting) => setting == Memory ? null : setting;
}
