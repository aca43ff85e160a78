using System.CommandLine;
using System.CommandLine.Parsing;

namespace ZeroTier.Cli.Commands;

/// <summary><c>zt controller serve</c>: becomes <see cref="ServerProgram"/>, which alone knows its options.</summary>
internal static class ControllerServeCommand
{
    public static Command Create()
    {
        var arguments = new Argument<string[]>("options") { Description = "As 'zt controller serve --help' lists them." };
        var command = new Command("serve", "Runs a controller, its HTTP API and pages, and a root, in one process.")
        {
            arguments,

            // Instead of the tool's own: the program answers.
            new Option<bool>("--help", "-h", "-?", "/h", "/?") { Hidden = true },
        };
        command.TreatUnmatchedTokensAsErrors = false;
        command.SetAction(parse => ServerProgram.Run(
            [.. parse.Tokens.Where(token => token.Type != TokenType.Command).Select(token => token.Value)]));
        return command;
    }
}
