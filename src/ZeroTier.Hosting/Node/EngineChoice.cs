using ZeroTier.Libzt;

namespace ZeroTier.Hosting.Node;

/// <summary>The chosen engine, and the reason.</summary>
/// <param name="Library">The native library; null for the managed engine.</param>
/// <param name="Reason">Why this engine, for the log.</param>
/// <param name="Detail">What was tried, and how to get the library, for the debug log.</param>
internal sealed record EngineChoice(LibztLibrary? Library, string Reason, string? Detail = null)
{
    /// <summary>The choice for another node in a process that already has its libzt node.</summary>
    public static EngineChoice Second { get; } = new(null, "libzt runs one node per process, and has one already");

    /// <summary>The engine's name, as in <see cref="ZeroTierNode.Engine"/>.</summary>
    public string Engine => Library is null ? "managed" : "libzt";

    /// <summary>Chooses an engine, and loads the library if it needs one.</summary>
    /// <exception cref="ZeroTierException">libzt is configured but cannot be loaded, or cannot host a controller.</exception>
    public static EngineChoice Of(ZeroTierNodeOptions options)
    {
        if (options.Engine == ZeroTierEngine.Libzt)
        {
            if (options.CarriesController)
            {
                throw new ZeroTierException(
                    ZeroTierError.NotSupported,
                    $"{ZeroTierNodeOptions.SectionName}:Engine is Libzt, which carries no controller of networks. Set it to Managed, or "
                    + "leave AddZeroTierController out.");
            }

            var library = LibztLibrary.Load(options.LibztPath);
            return new EngineChoice(library, $"it is configured, and '{library.Path}' was loaded");
        }

        if (options.Engine == ZeroTierEngine.Managed)
        {
            return new EngineChoice(null, "it is configured");
        }

        if (options.CarriesController)
        {
            return new EngineChoice(null, "it carries a controller of networks, which libzt does not");
        }

        if (options.DevelopmentNetworkSelected)
        {
            return new EngineChoice(null, "the development network lives on loopback, which libzt does not use");
        }

        if (options.ManagedOnly.FirstOrDefault() is { } setting)
        {
            return new EngineChoice(null, $"libzt does not know the setting {setting}");
        }

        if (LibztNode.IsRunningInProcess)
        {
            return Second;
        }

        if (LibztLibrary.TryLoad(options.LibztPath, out var found, out var error))
        {
            return new EngineChoice(found, $"libzt was found at '{found.Path}'");
        }

        string reason = options.LibztPath is { } path ? $"libzt was not loaded from '{path}'" : "libzt is not installed";
        return new EngineChoice(null, reason, error.Message.ReplaceLineEndings(" "));
    }
}
