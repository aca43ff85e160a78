using System.Net;
using ZeroTier.SelfHosting;

namespace SelfHosted;

/// <summary>The settings, from the command line (<c>--EndPoint 203.0.113.5:9993</c>), the environment or appsettings.json.</summary>
/// <param name="Home">The folder with everything that must not be lost.</param>
/// <param name="EndPoint">Where nodes reach this root; null for where the planet in the folder says.</param>
/// <param name="HttpPort">The TCP port of the controller's API, on loopback.</param>
/// <param name="ApiPort">The port of the private API, on the network.</param>
internal sealed record Settings(string Home, IPEndPoint? EndPoint, int HttpPort, int ApiPort)
{
    private const int DefaultPort = 9993;

    public string Planet => Path.Combine(Home, PrivateRoot.PlanetFileName);

    public static Settings Read(IConfiguration configuration)
    {
        string home = configuration["Home"] ?? Path.Combine(
            Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify),
            "ztkestrel",
            "self-hosted");
        var settings = new Settings(
            Path.GetFullPath(home), null, configuration.GetValue("HttpPort", DefaultPort), configuration.GetValue("ApiPort", 8080));
        string? endPoint = configuration["EndPoint"] ?? (File.Exists(settings.Planet) ? null : $"127.0.0.1:{DefaultPort}");
        return endPoint is null ? settings
            : IPEndPoint.TryParse(endPoint, out var parsed) && parsed.Port != 0 ? settings with { EndPoint = parsed }
            : throw new FormatException($"EndPoint '{endPoint}' is not an address and a port. Expected, for example, 203.0.113.5:9993.");
    }
}
