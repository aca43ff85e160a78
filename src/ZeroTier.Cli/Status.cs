using Spectre.Console;

namespace ZeroTier.Cli;

/// <summary>Messages for people: always on standard error, so that standard output contains only data.</summary>
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

        // Do not wrap lines, so that commands and addresses in messages can be copied.
        console.Profile.Width = int.MaxValue;
        return console;
    }
}
