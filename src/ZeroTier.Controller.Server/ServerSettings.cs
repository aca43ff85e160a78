using ZeroTier.SelfHosting;

namespace ZeroTier.Controller.Server;

/// <summary>What the command line says.</summary>
internal sealed record ServerSettings
{
    private const string PublicRoots = "public";

    /// <summary>The folder with everything that must not be lost.</summary>
    public required string Home { get; init; }

    public required StoreSettings Store { get; init; }

    /// <summary>The TCP port of API and pages on loopback; 0 for any.</summary>
    public required int HttpPort { get; init; }

    /// <summary>The root that this node is; null where the roots are others'.</summary>
    public PrivateRootOptions? Root { get; init; }

    /// <summary>A planet file of others' roots, or <c>public</c>; null where this node is the root.</summary>
    public string? Planet { get; init; }

    /// <summary>Whether the roots are ZeroTier's own.</summary>
    public bool IsPublic => Planet == PublicRoots;

    /// <summary>The planet file that members need; null where the roots are ZeroTier's own.</summary>
    public string? PlanetPath => IsPublic ? null : Path.GetFullPath(Planet ?? Path.Combine(Home, PrivateRoot.PlanetFileName));
}
