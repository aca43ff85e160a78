using System.CommandLine;
using System.Net;
using ZeroTier.Managed.Vl1;
using ZeroTier.SelfHosting;

namespace ZeroTier.Cli;

/// <summary>Where a private root lives and where it is reached.</summary>
internal sealed class RootOptions
{
    private readonly Option<DirectoryInfo> _home = new("--home") { Description = "The root's storage folder.", Required = true };

    private readonly Option<string[]> _endPoints = new("--endpoint")
    {
        Description = "A UDP endpoint at which nodes reach the root, for example 192.0.2.1:9993. May be repeated. Default: those of the planet in the storage folder.",
    };

    private RootOptions(Command command)
    {
        Command = command;
        command.Add(_home);
        command.Add(_endPoints);
    }

    public Command Command { get; }

    public static RootOptions AddTo(Command command) => new(command);

    public PrivateRootOptions Read(ParseResult parse)
    {
        string home = parse.GetRequiredValue(_home).FullName;
        string[] texts = parse.GetValue(_endPoints) ?? [];
        return new PrivateRootOptions
        {
            StoragePath = home,
            EndPoints = texts.Length > 0 ? [.. texts.Select(Parse)] : FromPlanet(Path.Combine(home, PrivateRoot.PlanetFileName)),
        };
    }

    private static IPEndPoint Parse(string text) =>
        IPEndPoint.TryParse(text, out var endPoint) && endPoint.Port != 0
            ? endPoint
            : throw new FormatException($"--endpoint '{text}' is not an address and a port. Expected, for example, 192.0.2.1:9993 or [2001:db8::1]:9993.");

    private static IPEndPoint[] FromPlanet(string file) =>
        File.Exists(file)
            ? [.. Planet.Load(file).Roots.SelectMany(root => root.EndPoints).Select(endPoint => endPoint.ToIPEndPoint())]
            : throw new FormatException($"{file} does not exist yet, so --endpoint must say where nodes reach the root, for example --endpoint 192.0.2.1:9993.");
}
