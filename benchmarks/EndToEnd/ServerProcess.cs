using System.Diagnostics;
using System.Globalization;

namespace EndToEnd;

/// <summary>A server in a process of its own: the same program in its server role, spoken to over standard input and output.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly Process _process;
    private readonly Dictionary<string, double> _times = [];

    private ServerProcess(Process process) => _process = process;

    /// <summary>Where it serves.</summary>
    public Uri Address { get; private set; } = null!;

    /// <summary>Processor time used so far.</summary>
    public TimeSpan CpuTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    public static async Task<ServerProcess> StartAsync(Transport transport, int number = 0)
    {
        var info = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardInput = true, RedirectStandardOutput = true };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
        {
            info.ArgumentList.Add(typeof(ServerProcess).Assembly.Location);
        }

        info.ArgumentList.Add("--server");
        info.ArgumentList.Add(transport.Name);
        foreach (string argument in transport.ServerArguments(number))
        {
            info.ArgumentList.Add(argument);
        }

        var server = new ServerProcess(Process.Start(info)!);
        try
        {
            server.Address = new Uri(await server.ExpectAsync("READY"));
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Resident memory after a full collection.</summary>
    public async Task<long> ResidentBytesAsync()
    {
        await _process.StandardInput.WriteLineAsync("memory");
        return long.Parse(await ExpectAsync("MEMORY"), CultureInfo.InvariantCulture);
    }

    /// <summary>Ends it and returns the times of its start in milliseconds, by name.</summary>
    public async Task<IReadOnlyDictionary<string, double>> StopAsync()
    {
        await _process.StandardInput.WriteLineAsync("stop");
        await ExpectAsync("STOPPED");
        await _process.WaitForExitAsync().WaitAsync(Patience);
        return _times;
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

    /// <summary>Reads lines, keeping times and showing what is not for us, up to the one with this first word.</summary>
    private async Task<string> ExpectAsync(string word)
    {
        while (await _process.StandardOutput.ReadLineAsync().WaitAsync(Patience) is { } line)
        {
            string[] parts = line.Split(' ');
            if (parts is ["TIME", var name, var milliseconds])
            {
                _times[name] = double.Parse(milliseconds, CultureInfo.InvariantCulture);
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

        throw new InvalidOperationException($"The server ended before it said {word}.");
    }
}
