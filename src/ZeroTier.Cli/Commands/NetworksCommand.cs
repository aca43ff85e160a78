using System.CommandLine;

namespace ZeroTier.Cli.Commands;

/// <summary>
/// <c>zt networks</c>: shows the joined networks, what they assign, and what the user has to do for those that cannot be used.
/// </summary>
internal static class NetworksCommand
{
    public static Command Create()
    {
        var json = new Option<bool>("--json") { Description = "Print JSON, for programs." };
        var details = new Option<bool>("--details")
        {
            Description = "Print Ethernet address, MTU and type, too, and the frames that were dropped by reason.",
        };
        var wait = new Option<bool>("--wait") { Description = "Wait until all networks can be used." };
        var command = new Command("networks", "Shows the networks that the storage folder remembers.") { json, details, wait };
        var folder = JoinedFolder.AddTo(command);
        command.SetAction((parse, cancellationToken) =>
            RunAsync(
                JoinedFolder.Read(parse, folder), parse.GetValue(json), parse.GetValue(details), parse.GetValue(wait), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(JoinedFolder folder, bool json, bool details, bool wait, CancellationToken cancellationToken)
    {
        await using var node = await folder.StartAsync(cancellationToken);
        if (wait)
        {
            await Task.WhenAll(node.Networks.Select(network => NetworkWait.UntilReadyAsync(node, network.Id, cancellationToken)));
        }
        else
        {
            await NetworkWait.UntilAnsweredAsync(node, cancellationToken);
        }

        var report = NetworkReport.Of(node);
        if (json)
        {
            Console.Out.WriteLine(report.ToJson());
        }
        else
        {
            Console.Out.Write(report.ToText(details));
        }

        return ExitCode.Success;
    }
}
