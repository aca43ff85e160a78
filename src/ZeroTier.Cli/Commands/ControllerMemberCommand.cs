using System.CommandLine;
using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using ZeroTier.Cli.Management;
using ZeroTier.Controller;

namespace ZeroTier.Cli.Commands;

/// <summary><c>zt controller member list|authorize|deauthorize|name|ip|tag</c>.</summary>
internal static class ControllerMemberCommand
{
    public static Command Create(ControllerOptions options)
    {
        var listed = JoinedFolder.NetworkArgument();
        var list = new Command("list", "Lists members, and nodes that wait.") { listed };
        list.SetAction(async (parse, cancellationToken) =>
        {
            using var client = options.Open(parse);
            var network = parse.GetRequiredValue(listed);
            var members = await client.MembersAsync(network, cancellationToken);
            Console.Out.Write(options.IsJson(parse) ? Report.JsonList(members, ControllerJson.Write) : Report.Members(network, members));
            return ExitCode.Success;
        });

        var name = new Argument<string>("name") { Description = "The name; empty for none." };
        var addresses = new Argument<string[]>("address")
        {
            Description = "IP addresses; none: those that it has are taken away.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var tags = new Argument<string[]>("tag") { Description = "ID=VALUE, or ID= to take it away.", Arity = ArgumentArity.OneOrMore };
        return new Command("member", "Lists, authorises and describes members.")
        {
            list,
            Change("authorize", "Lets a node in; it need not have asked yet.", [], (_, _) => new JsonObject { ["authorized"] = true }),
            Change("deauthorize", "Shuts a node out; its connections end.", [], (_, _) => new JsonObject { ["authorized"] = false }),
            Change("name", "Names a member.", [name], (parse, _) => new JsonObject { ["name"] = parse.GetRequiredValue(name) }),
            Change(
                "ip",
                "Gives a member addresses in place of those that it has.",
                [addresses],
                (parse, _) => new JsonObject { ["ipAssignments"] = Addresses(parse.GetValue(addresses) ?? []) }),
            Change(
                "tag",
                "Sets tags of a member, which rules look at.",
                [tags],
                (parse, member) => new JsonObject { ["tags"] = Tags(member, parse.GetRequiredValue(tags)) }),
        };

        Command Change(string verb, string description, Argument[] more, Func<ParseResult, ControllerMember?, JsonObject> settings)
        {
            var network = JoinedFolder.NetworkArgument();
            var node = NodeArgument();
            var command = new Command(verb, description) { network, node };
            foreach (var argument in more)
            {
                command.Add(argument);
            }

            command.SetAction(async (parse, cancellationToken) =>
            {
                using var client = options.Open(parse);
                var (id, member) = (parse.GetRequiredValue(network), parse.GetRequiredValue(node));

                // Only "authorize" may create a member: with any other command, a mistyped address would silently create one.
                var before = verb == "authorize" ? null : await client.MemberAsync(id, member, cancellationToken);
                var after = await client.ChangeMemberAsync(id, member, settings(parse, before), cancellationToken);
                Console.Out.Write(
                    options.IsJson(parse) ? Report.Json(writer => ControllerJson.Write(writer, after)) : Report.Members(id, [after]));
                return ExitCode.Success;
            });
            return command;
        }
    }

    private static Argument<NodeId> NodeArgument() => new("node")
    {
        Description = "The node's address, 10 hexadecimal digits.",
        CustomParser = result =>
        {
            if (NodeId.TryParse(result.Tokens[0].Value, out var id))
            {
                return id;
            }

            result.AddError(
                $"'{result.Tokens[0].Value}' is not a node's address. Expected 10 hexadecimal digits, as 'zt join' prints them.");
            return default;
        },
    };

    private static JsonArray Addresses(string[] texts) => texts.FirstOrDefault(t => !IPAddress.TryParse(t, out _)) is { } wrong
        ? throw new FormatException($"'{wrong}' is not an IP address. Expected, for example, 10.147.17.5.")
        : new JsonArray([.. texts.Select(t => (JsonNode)IPAddress.Parse(t).ToString())]);

    private static JsonArray Tags(ControllerMember? member, string[] texts)
    {
        var tags = member!.Tags;
        foreach (string text in texts)
        {
            string[] parts = text.Split('=');
            if (parts.Length != 2 || !TryParse(parts[0], out uint id) || (parts[1].Length > 0 && !TryParse(parts[1], out _)))
            {
                throw new FormatException($"'{text}' is not a tag. Expected ID=VALUE, for example 1000=2, or 1000= to take it away.");
            }

            tags = parts[1].Length == 0 ? tags.Remove(id) : tags.SetItem(id, uint.Parse(parts[1], CultureInfo.InvariantCulture));
        }

        return new JsonArray([.. tags.Select(t => (JsonNode)new JsonArray(t.Key, t.Value))]);
    }

    private static bool TryParse(string text, out uint number) =>
        uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
