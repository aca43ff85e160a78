using System.CommandLine;
using System.Data.Common;
using Microsoft.Extensions.Options;
using ZeroTier.Cli;

namespace ZeroTier.Controller.Server;

/// <summary>The command line: parses, runs, and turns errors into one line and an exit code.</summary>
internal static class Program
{
    public static async Task<int> Main(string[] args)
    {
        var configuration = new InvocationConfiguration
        {
            // Errors that a user can fix are printed here as one line; a stack trace would bury the remedy.
            EnableDefaultExceptionHandler = false,

            // The host takes signals.
            ProcessTerminationTimeout = null,
        };
        try
        {
            return await ServeCommand.Create().Parse(args).InvokeAsync(configuration);
        }
        catch (Exception exception) when (exception
            is IOException or FormatException or ArgumentException or UnauthorizedAccessException or InvalidOperationException
            or DbException or OptionsValidationException or InvalidDataException)
        {
            Console.Error.WriteLine($"error: {exception.Message}");
            return ExitCode.Failure;
        }
    }
}
