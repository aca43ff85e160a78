using ZeroTier.Engines;

namespace ZeroTier.Hosting.Node;

/// <summary>Where a host's node keeps its state.</summary>
internal static class NodeStorage
{
    /// <summary>The node's folder; null for a node in memory.</summary>
    /// <param name="options">The node's.</param>
    /// <param name="application">The application's name.</param>
    public static string? PathOf(ZeroTierNodeOptions options, string application) =>
        StorageFolder.Of(options.StoragePath ?? (options.IdentitySecret is null ? DefaultPath(application) : StorageFolder.Memory));

    /// <summary>The folder of an application whose options name none.</summary>
    public static string DefaultPath(string application)
    {
        const Environment.SpecialFolder data = Environment.SpecialFolder.LocalApplicationData;
        string name = string.Concat(application.Select(c => Path.GetInvalidFileNameChars().Contains(c) ? '_' : c));
        return Path.Combine(Environment.GetFolderPath(data, Environment.SpecialFolderOption.DoNotVerify), "ztkestrel", "nodes", name);
    }
}
