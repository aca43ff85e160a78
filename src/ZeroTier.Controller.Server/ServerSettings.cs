using ZeroTier.SelfHosting;

namespace ZeroTier.Controller.Server;

/// <summary>The settings of the server, from its command line.</summary>
internal sealed record ServerSettings
{
    private const string PublicRoots = "public";

    /// <summary>The storage folder: identity, signing key, planet, API token and, without PostgreSQL, the database.</summary>
    public required string Home { get; init; }

    /// <summary>Where networks and members are stored.</summary>
    public required StoreSettings Store { get; init; }

    /// <summary>The TCP port of the web app (HTTP API and web pages) on loopback; 0 for any free port.</summary>
    public required int HttpPort { get; init; }

    /// <summary>The options of the root that runs on this node; null if other roots are used.</summary>
    public PrivateRootOptions? Root { get; init; }

    /// <summary>The planet file of other roots, or <c>public</c> for ZeroTier's public roots; null if this node is the root.</summary>
    public string? Planet { get; init; }

    /// <summary>Whether ZeroTier's public roots are used.</summary>
    public bool IsPublic => Planet == PublicRoots;

    /// <summary>The full path of the planet file that members need; null for ZeroTier's public roots.</summary>
    public string? PlanetPath => IsPublic ? null : Path.GetFullPath(Planet ?? Path.Combine(Home, PrivateRoot.PlanetFileName));
}
