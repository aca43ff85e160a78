using System.CommandLine;
using System.CommandLine.Parsing;
using System.Net;
using ZeroTier.Managed;
using ZeroTier.SelfHosting;

namespace ZeroTier.Cli;

/// <summary>The options of a private root: its storage folder and its UDP endpoints.</summary>
internal sealed class RootOptions
{
    private readonly Option<DirectoryInfo> _home = new("--home")
    {
        Description = "The storage folder: identity, planet, and what else must not be lost.",
        Required = true,
    };

    private readonly Option<string[]> _endPoints = new("--endpoint")
    {
        Description = "A UDP endpoint at which nodes reach the root, for example 192.0.2.1:9993. May be repeated. Default: those of the "
            + "planet in the storage folder.",
    };

    private RootOptions(Command command)
    {
        Command = command;
        command.Add(_home);
        command.Add(_endPoints);
    }

    public Command Command { get; }

    public static RootOptions AddTo(Command command) => new(command);

    public string ReadHome(ParseResult parse) => parse.GetRequiredValue(_home).FullName;

    public bool HasEndPoints(SymbolResult result) => result.GetResult(_endPoints) is not null;

    public PrivateRootOptions Read(ParseResult parse)
    {
        string home = ReadHome(parse);
        string[] texts = parse.GetValue(_endPoints) ?? [];
        string planet = Path.Combine(home, PrivateRoot.PlanetFileName);
        return texts.Length > 0 || File.Exists(planet)
            ? new PrivateRootOptions { StoragePath = home, EndPoints = [.. texts.Select(text => ParseEndPoint(text, "--endpoint"))] }
            : throw new FormatException(
                $"{planet} does not exist yet, so --endpoint must say where nodes reach the root, for example --endpoint 192.0.2.1:9993.");
    }

    /// <summary>Parses another root: <c>IDENTITY@ENDPOINT</c>, with further endpoints separated by commas.</summary>
    public static PlanetRoot ParseRoot(string text)
    {
        int at = text.LastIndexOf('@');
        return at > 0 && NodeIdentity.TryParse(text[..at], out var identity) && !identity.HasSecret
            ? new PlanetRoot(
                identity, [.. text[(at + 1)..].Split(',').Select(endPoint => InetEndPoint.From(ParseEndPoint(endPoint, "The root")))])
            : throw new FormatException(
                $"'{text}' is not another root. Expected its public identity, as 'zt id new FOLDER' prints it there, and where nodes reach "
                + "it: IDENTITY@192.0.2.2:9993.");
    }

    /// <summary>Parses an address and a port other than 0.</summary>
    public static IPEndPoint ParseEndPoint(string text, string what) =>
        IPEndPoint.TryParse(text, out var endPoint) && endPoint.Port != 0
            ? endPoint
            : throw new FormatException(
                $"{what} '{text}' is not an address and a port. Expected, for example, 192.0.2.1:9993 or [2001:db8::1]:9993.");
}
