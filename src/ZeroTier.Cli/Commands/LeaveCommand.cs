using System.CommandLine;

namespace ZeroTier.Cli.Commands;

/// <summary><c>zt leave NETWORK</c>: leaves a network for good.</summary>
internal static class LeaveCommand
{
    public static Command Create()
    {
        var network = JoinedFolder.NetworkArgument();
        var command = new Command("leave", "Leaves a network; the storage folder forgets it.") { network };
        var folder = JoinedFolder.AddTo(command);
        command.SetAction(
            (parse, cancellationToken) => RunAsync(JoinedFolder.Read(parse, folder), parse.GetRequiredValue(network), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(JoinedFolder folder, NetworkId id, CancellationToken cancellationToken)
    {
        await using var node = await folder.StartAsync(cancellationToken);
        var joined = node.Networks;
        if (!joined.Any(network => network.Id == id))
        {
            throw new ZeroTierException(
                ZeroTierError.NetworkNotJoined,
                $"{folder.Home} has not joined network {id}. It has joined: "
                + $"{(joined.Count == 0 ? "none" : string.Join(", ", joined.Select(n => n.Id)))}.");
        }

        await node.LeaveAsync(id, cancellationToken);
        return ExitCode.Success;
    }
}
