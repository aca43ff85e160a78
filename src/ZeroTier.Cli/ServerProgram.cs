using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace ZeroTier.Cli;

/// <summary>
/// The program that serves a controller. It is a tool package of its own: with the native libraries of its database it is many times
/// the size of <c>zt</c>.
/// </summary>
internal static partial class ServerProgram
{
    private const string Package = "ZtKestrel.Controller.Server";
    private const string Name = "zt-controller";

    private static readonly string FileName = OperatingSystem.IsWindows() ? Name + ".exe" : Name;

    /// <summary>Runs the program in the place of this one: its output, signals and exit code are this process's.</summary>
    /// <exception cref="IOException">It is not installed, or cannot be run.</exception>
    public static int Run(string[] arguments)
    {
        string program = Find() ?? throw new IOException(
            $"{Name}, which serves controllers, is not installed. It is a package of its own, since it brings a database along: "
            + $"dotnet tool install --global {Package} --prerelease");
        if (OperatingSystem.IsWindows())
        {
            return Wait(program, arguments);
        }

        // Returns only where it fails. No second process remains that would have to pass signals on.
        _ = Execute(program, [program, .. arguments, null]);
        throw new IOException($"'{program}' cannot be run: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    // Beside this tool, where tools are installed or programs were published; then where the shell would find it.
    private static string? Find() =>
        ((string?[])
        [
            Path.GetDirectoryName(Environment.ProcessPath), AppContext.BaseDirectory,
            .. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Where(Path.IsPathFullyQualified),
        ])
        .Where(folder => folder is not null).Select(folder => Path.Combine(folder!, FileName)).FirstOrDefault(File.Exists);

    private static int Wait(string program, string[] arguments)
    {
        // Ctrl-C reaches both processes; this one waits for the end of the other.
        Console.CancelKeyPress += (_, cancel) => cancel.Cancel = true;
        try
        {
            using var process = Process.Start(program, arguments);
            process.WaitForExit();
            return process.ExitCode;
        }
        catch (Win32Exception exception)
        {
            throw new IOException($"'{program}' cannot be run: {exception.Message}", exception);
        }
    }

    [LibraryImport("libc", EntryPoint = "execv", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Execute(string path, string?[] arguments);
}
