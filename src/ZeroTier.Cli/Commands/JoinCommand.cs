using System.CommandLine;

namespace ZeroTier.Cli.Commands;

/// <summary><c>zt join NETWORK</c>: joins a network, and prints what the user has to do before it can be used.</summary>
internal static class JoinCommand
{
    public static Command Create()
    {
        var network = JoinedFolder.NetworkArgument();
        var wait = new Option<bool>("--wait")
        {
            Description = "Wait until the network can be used, for example until this node is authorised.",
        };
        var command = new Command("join", "Joins a network; the storage folder remembers it.") { network, wait };
        var folder = JoinedFolder.AddTo(command);
        command.SetAction((parse, cancellationToken) =>
            RunAsync(JoinedFolder.Read(parse, folder), parse.GetRequiredValue(network), parse.GetValue(wait), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(JoinedFolder folder, NetworkId id, bool wait, CancellationToken cancellationToken)
    {
        await using var node = await folder.StartAsync(cancellationToken);
        await node.JoinAsync(id, cancellationToken);
        if (wait)
        {
            await NetworkWait.UntilReadyAsync(node, id, cancellationToken);
        }
        else
        {
            await NetworkWait.UntilAnsweredAsync(node, cancellationToken);
        }

        var network = NetworkWait.Find(node, id);
        Console.Out.WriteLine($"{id} {network.Status} {string.Join(' ', network.Addresses)}".TrimEnd());
        if (!network.IsReady)
        {
            Status.Info($"{network.Detail} The network stays joined; --wait waits for it.");
        }

        return ExitCode.Success;
    }
}
