using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;

namespace ZeroTier.Cli.Tests;

/// <summary>The tool as a user runs it: a process of its own, with a data folder of its own.</summary>
internal sealed class ZtProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    // Beside the tests, or where they say that it was built: with ASP.NET Core in their own folder it has other files.
    private static readonly string Tool = typeof(ZtProcess).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().FirstOrDefault(
        attribute => attribute.Key == "zt")?.Value
        ?? Path.Combine(AppContext.BaseDirectory, "zt.dll");

    private readonly Process _process;
    private readonly Task<string> _output;
    private readonly TaskCompletionSource<string> _firstError = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<string> _errors = [];

    private ZtProcess(Process process)
    {
        _process = process;
        _process.ErrorDataReceived += (_, line) => OnError(line.Data);
        _process.BeginErrorReadLine();
        _output = process.StandardOutput.ReadToEndAsync();
    }

    /// <summary>The process's number.</summary>
    public int Id => _process.Id;

    /// <summary>Starts <c>zt</c>; its data folder is <paramref name="data"/>.</summary>
    public static ZtProcess Start(DirectoryInfo data, params string[] arguments) => Start(data, [], arguments);

    /// <summary>Starts <c>zt</c> where it finds other programs in one folder only.</summary>
    public static ZtProcess StartBeside(string programs, DirectoryInfo data, params string[] arguments) =>
        Start(
            data,
            new Dictionary<string, string>
            {
                ["PATH"] = programs,

                // Without a path, a program looks for the runtime where systems install it.
                ["DOTNET_ROOT"] = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..")),
            },
            arguments);

    private static ZtProcess Start(DirectoryInfo data, Dictionary<string, string> environment, string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(Tool);
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment["XDG_DATA_HOME"] = data.FullName;
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        return new ZtProcess(Process.Start(start)!);
    }

    /// <summary>Runs <c>zt</c> to its end.</summary>
    public static async Task<ZtResult> RunAsync(DirectoryInfo data, params string[] arguments)
    {
        await using var process = Start(data, arguments);
        return await process.WaitAsync();
    }

    /// <summary>The first line on standard error.</summary>
    public Task<string> FirstErrorAsync() => _firstError.Task.WaitAsync(Patience);

    /// <summary>Waits for the process's own end.</summary>
    public async Task<ZtResult> WaitAsync()
    {
        using var timeout = new CancellationTokenSource(Patience);
        await _process.WaitForExitAsync(timeout.Token);
        string output = await _output;
        lock (_errors)
        {
            return new ZtResult(_process.ExitCode, output, string.Join('\n', _errors));
        }
    }

    /// <summary>Asks the process to end, as a service manager does.</summary>
    public void Terminate()
    {
        using var kill = Process.Start("kill", ["-TERM", _process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    /// <summary>Ends the process without a chance to say goodbye.</summary>
    public void Kill() => _process.Kill();

    /// <inheritdoc />
    public ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.Dispose();
        return ValueTask.CompletedTask;
    }

    private void OnError(string? line)
    {
        if (line is null)
        {
            return;
        }

        lock (_errors)
        {
            _errors.Add(line);
        }

        _firstError.TrySetResult(line);
    }
}

internal sealed record ZtResult(int ExitCode, string Output, string Error);
