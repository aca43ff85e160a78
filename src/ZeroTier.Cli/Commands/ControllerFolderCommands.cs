using System.CommandLine;
using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using ZeroTier.Cli.Management;
using ZeroTier.Controller;

namespace ZeroTier.Cli.Commands;

/// <summary><c>zt controller import|export|backup</c>: networks and members from and to a folder in ZeroTierOne's format.</summary>
internal static class ControllerFolderCommands
{
    // The node's keys and other secrets, in the order in which a restore needs them.
    private static readonly string[] Secrets = ["identity.secret", "identity.public", "planet", "planet.secret", "authtoken.secret"];

    public static Command CreateImport(ControllerOptions options)
    {
        var folder = FolderArgument("A home folder of ZeroTierOne, or a backup. Nothing in it is changed.");
        var command = new Command(
            "import", "Takes networks and members of a folder over, by the API: without the nodes' public keys, which are learned anew.")
            {
                folder,
            };
        command.SetAction(async (parse, cancellationToken) =>
        {
            using var import = await ControllerImport.ReadAsync(parse.GetRequiredValue(folder).FullName, cancellationToken);
            using var client = options.Open(parse);
            if (await client.NodeAsync(cancellationToken) is { } node && node != import.Identity.Address)
            {
                throw new FormatException(
                    $"The controller is node {node}, and the networks belong to {import.Identity.Address}. Give the controller the "
                    + "identity.secret of the folder first.");
            }

            foreach (var network in import.Networks)
            {
                await client.PutNetworkAsync(network.Id, Parse(ControllerJson.Write(network)), cancellationToken);
            }

            foreach (var member in import.Members)
            {
                await client.ChangeMemberAsync(member.Network, member.Node, Parse(ControllerJson.Write(member)), cancellationToken);
            }

            foreach (var finding in import.Findings)
            {
                Status.Info(finding.ToString());
            }

            Status.Info(
                $"{import.Networks.Length} networks and {import.Members.Length} members were taken over; there were "
                + $"{import.FindingCount} findings.");
            return ExitCode.Success;
        });
        return command;
    }

    public static Command CreateExport(ControllerOptions options)
    {
        var folder = FolderArgument("Where to; made when missing.");
        var command = new Command("export", "Writes networks and members to a folder as ZeroTierOne keeps them.") { folder };
        command.SetAction(async (parse, cancellationToken) =>
        {
            await ExportAsync(options, parse, parse.GetRequiredValue(folder).FullName, cancellationToken);
            return ExitCode.Success;
        });
        return command;
    }

    public static Command CreateBackup(ControllerOptions options)
    {
        var folder = FolderArgument("Where to; made when missing. Keep it like a key.");
        var command = new Command(
            "backup", "Writes networks, members, identity, planet and token to a folder from which 'import' restores them; needs --home.")
            {
                folder,
            };
        command.SetAction(async (parse, cancellationToken) =>
        {
            string home = options.Home(parse)
                ?? throw new FormatException("Name the controller's storage folder by --home: the identity is in it, and not in the API.");
            string target = parse.GetRequiredValue(folder).FullName;
            await ExportAsync(options, parse, target, cancellationToken);
            foreach (string name in Secrets.Where(name => File.Exists(Path.Combine(home, name))))
            {
                await CopyAsync(Path.Combine(home, name), Path.Combine(target, name), cancellationToken);
            }

            return ExitCode.Success;
        });
        return command;
    }

    private static Argument<DirectoryInfo> FolderArgument(string description) => new("folder") { Description = description };

    private static async Task ExportAsync(ControllerOptions options, ParseResult parse, string folder, CancellationToken cancellationToken)
    {
        using var client = options.Open(parse);
        var networks = await client.NetworksAsync(cancellationToken);
        await ControllerExport.WriteAsync(
            folder, networks.ToAsyncEnumerable(), MembersAsync(client, networks, cancellationToken), cancellationToken);
        Status.Info($"{networks.Count} networks were written to {folder}.");
    }

    private static async IAsyncEnumerable<ControllerMember> MembersAsync(
        ControllerClient client, IReadOnlyList<ControllerNetwork> networks, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var network in networks)
        {
            foreach (var member in await client.MembersAsync(network.Id, cancellationToken))
            {
                yield return member;
            }
        }
    }

    private static async Task CopyAsync(string source, string target, CancellationToken cancellationToken)
    {
        var how = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            how.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        await using var input = File.OpenRead(source);
        await using var output = new FileStream(target, how);
        await input.CopyToAsync(output, cancellationToken);
        output.Flush(flushToDisk: true);
    }

    private static JsonObject Parse(byte[] json) => JsonNode.Parse(json)!.AsObject();
}
