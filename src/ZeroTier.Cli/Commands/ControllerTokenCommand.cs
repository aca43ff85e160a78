using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using ZeroTier.Cli.Management;
using ZeroTier.Controller;

namespace ZeroTier.Cli.Commands;

/// <summary><c>zt controller token create|list|revoke</c>: join tokens, which authorise any node that presents one.</summary>
internal static class ControllerTokenCommand
{
    private const int Bytes = 16;

    public static Command Create(ControllerOptions options)
    {
        var network = JoinedFolder.NetworkArgument();
        var hours = new Option<double?>("--hours") { Description = "For how long it is good. Default: until it is revoked." };
        var create = new Command("create", "Makes a join token, and prints it.") { network, hours };
        create.SetAction(async (parse, cancellationToken) =>
        {
            if (parse.GetValue(hours) is { } given && given is not (> 0 and < 1_000_000))
            {
                throw new FormatException("--hours must be more than 0 and less than 1000000, for example 24.");
            }

            string token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(Bytes));
            DateTimeOffset? expires = parse.GetValue(hours) is { } count ? TimeProvider.System.GetUtcNow().AddHours(count) : null;
            using var client = options.Open(parse);
            await ChangeAsync(
                client,
                parse.GetRequiredValue(network),
                tokens => tokens[token] = expires?.ToUnixTimeMilliseconds() ?? 0,
                cancellationToken);
            Console.Out.WriteLine(token);
            return ExitCode.Success;
        });

        var listed = JoinedFolder.NetworkArgument();
        var list = new Command("list", "Prints the join tokens, and until when they are good.") { listed };
        list.SetAction(async (parse, cancellationToken) =>
        {
            using var client = options.Open(parse);
            var tokens = (await client.NetworkAsync(parse.GetRequiredValue(listed), cancellationToken)).JoinTokens;
            foreach (var (token, expires) in tokens)
            {
                Console.Out.WriteLine($"{token} {expires?.ToString("u", CultureInfo.InvariantCulture) ?? "never expires"}");
            }

            return ExitCode.Success;
        });

        var target = JoinedFolder.NetworkArgument();
        var revoked = new Argument<string>("token");
        var revoke = new Command("revoke", "Takes a join token back; members that it let in stay.") { target, revoked };
        revoke.SetAction(async (parse, cancellationToken) =>
        {
            using var client = options.Open(parse);
            string token = parse.GetRequiredValue(revoked);
            await ChangeAsync(client, parse.GetRequiredValue(target), tokens =>
            {
                if (!tokens.Remove(token))
                {
                    throw new FormatException("The network has no such join token. List them: zt controller token list NETWORK");
                }
            }, cancellationToken);
            return ExitCode.Success;
        });
        return new Command("token", "Makes, lists and takes back join tokens.") { create, list, revoke };
    }

    private static async Task ChangeAsync(
        ControllerClient client, NetworkId id, Action<JsonObject> change, CancellationToken cancellationToken)
    {
        var network = await client.NetworkAsync(id, cancellationToken);
        var tokens = new JsonObject(
            network.JoinTokens.Select(t => KeyValuePair.Create(t.Key, (JsonNode?)(t.Value?.ToUnixTimeMilliseconds() ?? 0))));
        change(tokens);
        await client.ChangeNetworkAsync(id, new JsonObject { ["authTokens"] = tokens }, cancellationToken);
    }
}
