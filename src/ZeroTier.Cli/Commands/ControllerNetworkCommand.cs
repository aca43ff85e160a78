using System.CommandLine;
using System.Text.Json.Nodes;
using ZeroTier.Cli.Management;
using ZeroTier.Controller;

namespace ZeroTier.Cli.Commands;

/// <summary><c>zt controller network create|list|show|set|delete</c>.</summary>
internal static class ControllerNetworkCommand
{
    public static Command Create(ControllerOptions options)
    {
        var create = new Command("create", "Makes a network, and prints its ID.");
        var created = NetworkSettings.AddTo(create);
        create.SetAction(async (parse, cancellationToken) =>
        {
            using var client = options.Open(parse);
            var network = await client.CreateNetworkAsync(created.Read(parse), cancellationToken);
            RequireNames(created.Read(parse), network);
            Console.Out.Write(options.IsJson(parse) ? Json(network) : $"{network.Id}\n");
            return ExitCode.Success;
        });

        var list = new Command("list", "Lists the networks.");
        list.SetAction(async (parse, cancellationToken) =>
        {
            using var client = options.Open(parse);
            var networks = await client.NetworksAsync(cancellationToken);
            Console.Out.Write(options.IsJson(parse) ? Report.JsonList(networks, ControllerJson.Write) : Report.Networks(networks));
            return ExitCode.Success;
        });

        var shown = JoinedFolder.NetworkArgument();
        var show = new Command("show", "Shows the settings of a network.") { shown };
        show.SetAction(async (parse, cancellationToken) =>
        {
            using var client = options.Open(parse);
            return Print(await client.NetworkAsync(parse.GetRequiredValue(shown), cancellationToken), options.IsJson(parse));
        });

        var target = JoinedFolder.NetworkArgument();
        var set = new Command("set", "Changes settings of a network; members hear of it at once.") { target };
        var settings = NetworkSettings.AddTo(set);
        set.SetAction(async (parse, cancellationToken) =>
        {
            var changes = settings.Read(parse);
            if (changes.Count == 0)
            {
                throw new FormatException("Nothing is to be set. Name a setting, for example --name office; --help lists them.");
            }

            using var client = options.Open(parse);
            var network = await client.ChangeNetworkAsync(parse.GetRequiredValue(target), changes, cancellationToken);
            RequireNames(changes, network);
            return Print(network, options.IsJson(parse));
        });

        var deleted = JoinedFolder.NetworkArgument();
        var delete = new Command("delete", "Deletes a network with its members, whose connections end.") { deleted };
        delete.SetAction(async (parse, cancellationToken) =>
        {
            using var client = options.Open(parse);
            await client.DeleteNetworkAsync(parse.GetRequiredValue(deleted), cancellationToken);
            return ExitCode.Success;
        });
        return new Command("network", "Makes, shows, changes and deletes networks.") { create, list, show, set, delete };
    }

    // ZeroTierOne's controller silently ignores settings that it does not know.
    private static void RequireNames(JsonObject changes, ControllerNetwork network)
    {
        if (changes[NetworkSettings.ServeNames] is JsonValue value && value.GetValue<bool>() && !network.ServesNames)
        {
            throw new FormatException(
                $"Network {network.Id} is otherwise as it should be, but this controller cannot serve names. Name servers by "
                + "--dns instead.");
        }
    }

    private static int Print(ControllerNetwork network, bool json)
    {
        Console.Out.Write(json ? Json(network) : Report.Network(network));
        return ExitCode.Success;
    }

    private static string Json(ControllerNetwork network) => Report.Json(writer => ControllerJson.Write(writer, network));
}
