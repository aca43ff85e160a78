using System.CommandLine;
using ZeroTier.Managed;

namespace ZeroTier.Cli;

/// <summary>The storage folder of a node, in which <c>zt join</c> stores networks and roots.</summary>
/// <param name="Home">The folder.</param>
/// <param name="Planet">The roots to use; null for those stored in the folder.</param>
/// <param name="Port">The UDP port; 0 for that of the last run.</param>
internal sealed record JoinedFolder(string Home, Planet? Planet, ushort Port)
{
    private const string PlanetFileName = "planet";

    internal sealed record Symbols(Option<DirectoryInfo> Home, Option<FileInfo?> Planet, Option<bool> PublicRoots, Option<ushort> Port);

    public static Symbols AddTo(Command command)
    {
        var symbols = new Symbols(
            new Option<DirectoryInfo>("--home") { Description = "The node's storage folder; made when missing.", Required = true },
            new Option<FileInfo?>("--planet")
            {
                Description = "The planet file with the roots to use. Default: that of an earlier join with this folder.",
            },
            new Option<bool>("--public-roots") { Description = "Use ZeroTier's public roots." },
            new Option<ushort>("--port")
            {
                Description = "The UDP port to use. Default: that of the last run with this folder, at first any.",
            });
        command.Add(symbols.Home);
        command.Add(symbols.Planet);
        command.Add(symbols.PublicRoots);
        command.Add(symbols.Port);
        return symbols;
    }

    public static Argument<NetworkId> NetworkArgument() => new("network")
    {
        Description = "The network ID, 16 hexadecimal digits.",
        CustomParser = result =>
        {
            if (NetworkId.TryParse(result.Tokens[0].Value, out var id))
            {
                return id;
            }

            result.AddError(
                $"'{result.Tokens[0].Value}' is not a network ID. Expected 16 hexadecimal digits, for example 8056c2e21c000001.");
            return default;
        },
    };

    /// <summary>True for a folder in which an earlier join has stored the roots.</summary>
    public static bool HasPlanet(string home) => File.Exists(Path.Combine(home, PlanetFileName));

    public static JoinedFolder Read(ParseResult parse, Symbols symbols)
    {
        string home = parse.GetRequiredValue(symbols.Home).FullName;
        var planet = parse.GetValue(symbols.Planet) is { } file ? Managed.Planet.Load(file.FullName)
            : parse.GetValue(symbols.PublicRoots) ? Managed.Planet.Earth
            : null;
        return planet is not null || HasPlanet(home)
            ? new JoinedFolder(home, planet, parse.GetValue(symbols.Port))
            : throw new FormatException($"{home} remembers no roots. Name them once: --planet FILE, or --public-roots for ZeroTier's own.");
    }

    /// <summary>Starts the folder's node with its stored networks, and stores the roots in the folder.</summary>
    public async Task<ManagedNode> StartAsync(CancellationToken cancellationToken)
    {
        var node = new ManagedNode(new ManagedNodeOptions { StoragePath = Home, Planet = Planet, Port = Port });
        try
        {
            await node.StartAsync(cancellationToken);
            if (Planet is not null)
            {
                node.Planet!.Save(Path.Combine(Home, PlanetFileName));
            }

            return node;
        }
        catch
        {
            await node.DisposeAsync();
            throw;
        }
    }
}
