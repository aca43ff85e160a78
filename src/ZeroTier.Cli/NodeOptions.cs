using System.CommandLine;
using System.Net;

namespace ZeroTier.Cli;

/// <summary>The options of a command that select the network and the node.</summary>
/// <param name="Network">The network to join; null for the development network's own.</param>
/// <param name="Planet">The planet file; null for the development network.</param>
/// <param name="Home">The storage folder as it was given, or <c>:memory:</c>; null for the default.</param>
/// <param name="Port">The UDP port; 0 for any.</param>
/// <param name="TcpRelay">The TCP relay for networks that block UDP.</param>
internal sealed record NodeOptions(string? Network, FileInfo? Planet, string? Home, ushort Port, IPEndPoint? TcpRelay)
{
    /// <summary>The file to capture the network's frames to; null for none.</summary>
    public string? Capture { get; init; }

    internal sealed record Symbols(
        Option<string?> Network, Option<FileInfo?> Planet, Option<string?> Home, Option<ushort> Port, Option<string?> TcpRelay);

    public static Symbols AddTo(Command command)
    {
        var symbols = new Symbols(
            new Option<string?>("--network", "-n")
            {
                Description = "The network ID, 16 hexadecimal digits. Default: the development network.",
            },
            new Option<FileInfo?>("--planet")
            {
                Description = "The planet file with the roots to use. Needs --network, or a --home that has joined one.",
            },
            new Option<string?>("--home")
            {
                Description = "The node's storage folder; :memory: for a new identity that is not kept. One that 'zt join' has used brings "
                    + "its roots and networks. Default: the development network's own; with --planet :memory:.",
            },
            new Option<ushort>("--port")
            {
                Description = "The UDP port to use. Default: that of the last run with this folder, at first any.",
            },
            new Option<string?>("--tcp-relay")
            {
                Description =
                    "A TCP relay, used while no root is heard by UDP: that of 'zt root --tcp-relay', for example 203.0.113.5:8443.",
            });
        command.Add(symbols.Network);
        command.Add(symbols.Planet);
        command.Add(symbols.Home);
        command.Add(symbols.Port);
        command.Add(symbols.TcpRelay);
        command.Validators.Add(result =>
        {
            if (result.GetValue(symbols.Planet) is not null && result.GetValue(symbols.Network) is null
                && !(result.GetValue(symbols.Home) is { } home && JoinedFolder.HasPlanet(home)))
            {
                result.AddError(
                    "--planet needs --network: the roots do not say which network to join. For example: --network ff0000ffff000000");
            }

            if (result.GetValue(symbols.Network) is { } text && !NetworkId.TryParse(text, out _))
            {
                result.AddError($"--network '{text}' is not a network ID. Expected 16 hexadecimal digits, for example ff0000ffff000000.");
            }
        });
        return symbols;
    }

    /// <summary>True for a folder with a stored planet: its node does not use the development network.</summary>
    public bool IsJoinedFolder => Home is { } home && JoinedFolder.HasPlanet(home);

    public static NodeOptions Read(ParseResult parse, Symbols symbols) =>
        new(parse.GetValue(symbols.Network), parse.GetValue(symbols.Planet), parse.GetValue(symbols.Home), parse.GetValue(symbols.Port),
            parse.GetValue(symbols.TcpRelay) is { } relay ? RootOptions.ParseEndPoint(relay, "--tcp-relay") : null);
}
