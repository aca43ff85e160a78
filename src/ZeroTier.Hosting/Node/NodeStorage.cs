using ZeroTier.Engines;

namespace ZeroTier.Hosting.Node;

/// <summary>Determines the storage folder of a host's node.</summary>
internal static class NodeStorage
{
    /// <summary>The node's folder; null for a node in memory.</summary>
    /// <param name="options">The node's options.</param>
    /// <param name="application">The application's name.</param>
    public static string? PathOf(ZeroTierNodeOptions options, string application) =>
        StorageFolder.Of(options.StoragePath ?? (options.IdentitySecret is null ? DefaultPath(application) : StorageFolder.Memory));

    /// <summary>The default folder of an application, when the options name none.</summary>
    public static string DefaultPath(string application)
    {
        const Environment.SpecialFolder data = Environment.SpecialFolder.LocalApplicationData;
        string name = string.Concat(application.Select(c => Path.GetInvalidFileNameChars().Contains(c) ? '_' : c));
        return Path.Combine(Environment.GetFolderPath(data, Environment.SpecialFolderOption.DoNotVerify), "ztkestrel", "nodes", name);
    }
}
