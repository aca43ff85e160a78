using System.CommandLine;
using System.Text.Json.Nodes;
using ZeroTier.Cli.Management;
using ZeroTier.Controller;

namespace ZeroTier.Cli.Commands;

/// <summary><c>zt controller rules set|show|check</c>: rules in the rule language, compiled by this command.</summary>
internal static class ControllerRulesCommand
{
    private static readonly string[] Keys = ["rules", "capabilities", "tags"];

    public static Command Create(ControllerOptions options)
    {
        var target = JoinedFolder.NetworkArgument();
        var source = FileArgument();
        var set = new Command("set", "Compiles a file, and makes it the network's rules.") { target, source };
        set.SetAction(async (parse, cancellationToken) =>
        {
            if (await CompileAsync(parse.GetRequiredValue(source), cancellationToken) is not { } program)
            {
                return ExitCode.Failure;
            }

            using var client = options.Open(parse);
            var network = await client.ChangeNetworkAsync(parse.GetRequiredValue(target), ToJson(program), cancellationToken);
            Console.Out.Write(
                options.IsJson(parse) ? Report.Json(writer => ControllerJson.Write(writer, network)) : Report.Network(network));
            return ExitCode.Success;
        });

        var shown = JoinedFolder.NetworkArgument();
        var show = new Command("show", "Prints the network's rules as text, or as JSON.") { shown };
        show.SetAction(async (parse, cancellationToken) =>
        {
            using var client = options.Open(parse);
            var network = await client.NetworkAsync(parse.GetRequiredValue(shown), cancellationToken);
            Console.Out.Write(options.IsJson(parse) ? ToJson(network).ToJsonString() + "\n" : Format(network));
            return ExitCode.Success;
        });

        var checkedFile = FileArgument();
        var check = new Command("check", "Compiles a file, and says what is wrong with it; needs no controller.") { checkedFile };
        check.SetAction(async (parse, cancellationToken) =>
        {
            if (await CompileAsync(parse.GetRequiredValue(checkedFile), cancellationToken) is not { } program)
            {
                return ExitCode.Failure;
            }

            if (options.IsJson(parse))
            {
                Console.Out.WriteLine(ToJson(program).ToJsonString());
            }

            return ExitCode.Success;
        });
        return new Command("rules", "Checks, sets and shows a network's rules; docs/rules.md describes the language.") { set, show, check };
    }

    private static Argument<string> FileArgument() => new("file") { Description = "The text in the rule language; - for standard input." };

    private static async Task<RuleProgram?> CompileAsync(string file, CancellationToken cancellationToken)
    {
        using var reader = file == "-" ? Console.In : new StreamReader(file);

        // One character more than permitted is enough for the compiler to refuse the file.
        char[] text = new char[RuleLanguage.MaxSourceLength + 1];
        int length = await reader.ReadBlockAsync(text, cancellationToken);
        var compilation = RuleLanguage.Compile(new string(text, 0, length));
        foreach (var error in compilation.Errors)
        {
            Status.Error($"{file}:{error.Line}:{error.Column}: {error.Message}");
        }

        return compilation.Program;
    }

    private static string Format(ControllerNetwork network)
    {
        try
        {
            return RuleLanguage.Format(new RuleProgram(network.Rules, network.Capabilities, network.Tags));
        }
        catch (NotSupportedException exception)
        {
            throw new FormatException($"{exception.Message} --json prints them.", exception);
        }
    }

    private static JsonObject ToJson(RuleProgram program) =>
        ToJson(new ControllerNetwork { Id = default, Rules = program.Rules, Capabilities = program.Capabilities, Tags = program.Tags });

    private static JsonObject ToJson(ControllerNetwork network)
    {
        var all = JsonNode.Parse(ControllerJson.Write(network))!.AsObject();
        return new JsonObject(Keys.Select(key => KeyValuePair.Create(key, all[key]?.DeepClone())));
    }
}
