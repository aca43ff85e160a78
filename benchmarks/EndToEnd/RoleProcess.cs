using System.Diagnostics;
using System.Globalization;

namespace EndToEnd;

/// <summary>A root or server in its own process: the same program in another role, controlled over standard input and output.</summary>
internal sealed class RoleProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly Process _process;
    private readonly Dictionary<string, double> _start = [];

    private RoleProcess(Process process) => _process = process;

    /// <summary>What the process reported when it was ready: a server's URL, or a root's network ID.</summary>
    public string Ready { get; private set; } = "";

    /// <summary>The server's URL.</summary>
    public Uri Address => new(Ready);

    /// <summary>The CPU time used so far.</summary>
    public TimeSpan CpuTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <summary>The number of threads of the server, including those of the runtime.</summary>
    public int Threads
    {
        get
        {
            _process.Refresh();
            return _process.Threads.Count;
        }
    }

    /// <summary>The number of open file descriptors of the server; Linux only.</summary>
    public int Descriptors => Directory.EnumerateFileSystemEntries($"/proc/{_process.Id}/fd").Count();

    /// <summary>Starts this program in another role, and waits until it is ready.</summary>
    /// <param name="command">The command that starts the process, for example one that enters a network namespace; empty for none.</param>
    /// <param name="role">The arguments: the role and what it needs.</param>
    public static async Task<RoleProcess> StartAsync(IReadOnlyList<string> command, IReadOnlyList<string> role)
    {
        List<string> line = [.. command, Environment.ProcessPath!];
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
        {
            line.Add(typeof(RoleProcess).Assembly.Location);
        }

        line.AddRange(role);
        var process = new RoleProcess(
            Process.Start(new ProcessStartInfo(line[0], line[1..]) { RedirectStandardInput = true, RedirectStandardOutput = true })!);
        try
        {
            process.Ready = await process.ExpectAsync("READY");
            return process;
        }
        catch
        {
            await process.DisposeAsync();
            throw;
        }
    }

    /// <summary>Returns the resident memory after a full garbage collection.</summary>
    public Task<long> ResidentBytesAsync() => AskAsync("memory");

    /// <summary>Writes a command and returns the number that follows the same word in capital letters in the answer.</summary>
    public async Task<long> AskAsync(string command)
    {
        await _process.StandardInput.WriteLineAsync(command);
        return long.Parse(await ExpectAsync(command.ToUpperInvariant()), CultureInfo.InvariantCulture);
    }

    /// <summary>Stops the process and returns its start-up times in milliseconds, by name.</summary>
    public async Task<IReadOnlyDictionary<string, double>> StopAsync()
    {
        await _process.StandardInput.WriteLineAsync("stop");
        await ExpectAsync("STOPPED");
        await _process.WaitForExitAsync().WaitAsync(Patience);
        return _start;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.StandardInput.Close();
            try
            {
                await _process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(10));
            }
            catch (TimeoutException)
            {
                _process.Kill();
            }
        }

        _process.Dispose();
    }

    /// <summary>
    /// Reads lines up to one that begins with the given word and returns the rest of it. Records TIME lines and prints all others.
    /// </summary>
    private async Task<string> ExpectAsync(string word)
    {
        while (await _process.StandardOutput.ReadLineAsync().WaitAsync(Patience) is { } line)
        {
            string[] parts = line.Split(' ');
            if (parts is ["START", var name, var value])
            {
                _start[name] = double.Parse(value, CultureInfo.InvariantCulture);
            }
            else if (parts[0] == word)
            {
                return line[word.Length..].Trim();
            }
            else
            {
                Console.WriteLine(line);
            }
        }

        throw new InvalidOperationException($"The process ended before it said {word}.");
    }
}
