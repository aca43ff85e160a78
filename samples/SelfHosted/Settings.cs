using System.Net;
using ZeroTier.Managed;

namespace SelfHosted;

/// <summary>The settings, from the command line (<c>--EndPoint 203.0.113.5:9993</c>), the environment or appsettings.json.</summary>
/// <param name="Home">The folder with the identity, the planet and the controller's database. Back it up.</param>
/// <param name="EndPoint">The endpoint at which nodes reach this root; by default the one in the existing planet. Null when
/// <paramref name="Planet"/> names other roots, so that this node is not a root.</param>
/// <param name="Planet">A planet file of other roots, or <c>public</c> for ZeroTier's public roots; null to run a private root.</param>
/// <param name="HttpPort">The TCP port on loopback of the API of the node and the controller.</param>
/// <param name="ApiPort">The port of the private API on the network.</param>
/// <param name="PostgreSql">A connection string; null for a SQLite file in <paramref name="Home"/>.</param>
/// <param name="Import">A ZeroTierOne home folder, or a backup, to import; the program then exits.</param>
internal sealed record Settings(
    string Home, IPEndPoint? EndPoint, string? Planet, int HttpPort, int ApiPort, string? PostgreSql, string? Import)
{
    public const string PublicRoots = "public";
    private const int DefaultPort = 9993;

    public static Settings Read(IConfiguration configuration)
    {
        string home = configuration["Home"] ?? Path.Combine(
            Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify),
            "ztkestrel",
            "self-hosted");
        string? planet = configuration["Planet"];
        string endPoint = configuration["EndPoint"] ?? EndPointOf(Path.Combine(home, "planet")) ?? $"127.0.0.1:{DefaultPort}";
        return new Settings(
            Path.GetFullPath(home),
            planet is not null ? null : IPEndPoint.TryParse(endPoint, out var parsed) && parsed.Port != 0
                ? parsed
                : throw new FormatException(
                    $"EndPoint '{endPoint}' is not an address and a port. Expected, for example, 203.0.113.5:9993."),
            planet,
            configuration.GetValue("HttpPort", DefaultPort),
            configuration.GetValue("ApiPort", 8080),
            configuration["PostgreSql"],
            configuration["Import"]);
    }

    // Keeps the planet's endpoint: if a start without the setting changed it, members could not reach this root any more.
    private static string? EndPointOf(string planet) =>
        File.Exists(planet)
            ? global::ZeroTier.Managed.Planet.Load(planet).Roots.SelectMany(root => root.EndPoints)
                .Select(endPoint => endPoint.ToString()).FirstOrDefault()
            : null;
}
