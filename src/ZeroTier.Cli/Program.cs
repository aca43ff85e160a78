using System.CommandLine;
using Spectre.Console;
using ZeroTier.Cli.Commands;

namespace ZeroTier.Cli;

/// <summary>The command line: parses, runs, and turns errors into one line and an exit code.</summary>
internal static class Program
{
    public static async Task<int> Main(string[] args)
    {
        var configuration = new InvocationConfiguration
        {
            // Errors that a user can fix are printed as one line below; a stack trace would hide the remedy.
            EnableDefaultExceptionHandler = false,

            // Time for an orderly stop: less than the ten seconds after which container runtimes kill the process.
            ProcessTerminationTimeout = TimeSpan.FromSeconds(8),
        };
        try
        {
            return await CreateRootCommand().Parse(args).InvokeAsync(configuration);
        }
        catch (OperationCanceledException)
        {
            // Commands that run until interrupted return success themselves; any other was interrupted before its output was complete.
            return ExitCode.Interrupted;
        }
        catch (Exception exception)
            when (exception is IOException or HttpRequestException or FormatException or ArgumentException or UnauthorizedAccessException)
        {
            Status.Error(Reason(exception));
            return ExitCode.Failure;
        }
    }

    /// <summary>The message of an HttpRequestException refers to the inner exception, which is not printed.</summary>
    private static string Reason(Exception exception) =>
        exception is HttpRequestException { InnerException: { } inner } ? inner.Message : exception.Message;

    internal static RootCommand CreateRootCommand() =>
        new("Calls, forwards into and inspects ZeroTier networks, in user space. Without options it uses this user's development network.")
        {
            GetCommand.Create(),
            ForwardCommand.Create(),
            PingCommand.Create(),
            CaptureCommand.Create(),
            JoinCommand.Create(),
            LeaveCommand.Create(),
            NetworksCommand.Create(),
            IdCommand.Create(),
            PlanetCommand.Create(),
            MoonCommand.Create(),
            OrbitCommand.CreateOrbit(),
            OrbitCommand.CreateDeorbit(),
            RootNodeCommand.Create(),
            ControllerCommand.Create(),
        };
}
