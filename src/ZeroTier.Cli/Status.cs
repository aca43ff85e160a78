using Spectre.Console;

namespace ZeroTier.Cli;

/// <summary>What a person reads: always on standard error, so that standard output carries data alone.</summary>
internal static class Status
{
    private static readonly IAnsiConsole Console = CreateConsole();

    public static void Info(string text) => Console.MarkupLineInterpolated($"[grey]{text}[/]");

    public static void Error(string text) => Console.MarkupLineInterpolated($"[red]error:[/] {text}");

    private static IAnsiConsole CreateConsole()
    {
        bool plain = System.Console.IsErrorRedirected;
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = plain ? AnsiSupport.No : AnsiSupport.Detect,
            ColorSystem = plain ? ColorSystemSupport.NoColors : ColorSystemSupport.Detect,
            Out = new AnsiConsoleOutput(System.Console.Error),
        });

        // Commands and addresses in messages are meant to be copied: the terminal wraps them, not we.
        console.Profile.Width = int.MaxValue;
        return console;
    }
}
